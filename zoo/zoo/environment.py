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


def cards() -> dict[str, str]:
    """CUDA devices by their names in `--device`, and the driver; empty where there is none."""
    import torch
    from torch.utils import collect_env

    found = {}
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        free, total = torch.cuda.mem_get_info(index)
        bf16 = "bf16" if card.major >= 8 else 'no bf16: train.precision = "float32"'
        found[f"cuda:{index}"] = (
            f"{card.name}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free, capability "
            f"{card.major}.{card.minor}, {bf16}"
        )
    if found:
        driver = collect_env.get_nvidia_driver_version(collect_env.run)
        found["driver"] = f"{driver or 'unknown'}, CUDA {torch.version.cuda}"
    return found


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
