"""The versions and devices at hand."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from zoo_registry import Recipe, catalogue

_LIBRARIES = ("torch", "timm", "transformers", "safetensors", "numpy", "pillow")


def made_with(recipe: Recipe) -> dict[str, Any]:
    """The versions of the zoo, of torch, and of every plugin that a recipe takes parts from."""
    chosen = [c.component for c in (*recipe.parts.values(), *recipe.losses, *recipe.augmentations)]
    providers = [catalogue().provider(component.kind, component.name) for component in chosen]
    return {
        "zoo": version("t2i-zoo"),
        "torch": version("torch"),
        "plugins": {p.distribution: p.version for p in sorted(providers, key=lambda p: p.distribution)},
    }


def environment() -> dict[str, Any]:
    """What a run was made with, for its environment.json and for `zoo doctor`."""
    import torch

    cuda = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "zoo": version("t2i-zoo"),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "plugins": {p.distribution: p.version for p in catalogue().plugins},
        "cpu_threads": torch.get_num_threads(),
        "cuda": cuda,
    }
