"""A plugin-based, modular model zoo of text-to-image GANs.

import zoo

pipe = zoo.load("runs/birds")
pipe("a small red bird with a yellow beak", seed=3)[0].save("bird.png")
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # that of typing costs 10 ms, in which Ctrl-C would print a traceback
if TYPE_CHECKING:
    from typing import Any

    from zoo_registry import Component, Recipe, ZooError, hookimpl

    from . import legacy
    from .assemble import build
    from .evaluation.run import evaluate
    from .pipeline import Pipeline, from_pretrained, load
    from .training.trainer import train

__version__ = "0.1.0"

_LAZY = {
    "Component": "zoo_registry",
    "Pipeline": "zoo.pipeline",
    "Recipe": "zoo_registry",
    "ZooError": "zoo_registry",
    "build": "zoo.assemble",
    "evaluate": "zoo.evaluation.run",
    "from_pretrained": "zoo.pipeline",
    "hookimpl": "zoo_registry",
    "legacy": "zoo.legacy",
    "load": "zoo.pipeline",
    "train": "zoo.training.trainer",
}

__all__ = [
    "Component",
    "Pipeline",
    "Recipe",
    "ZooError",
    "build",
    "components",
    "evaluate",
    "from_pretrained",
    "hookimpl",
    "legacy",
    "list_models",
    "load",
    "train",
]


def components(kind: str | None = None) -> tuple[Component, ...]:
    """The parts that are installed, of one kind or of all."""
    from zoo_registry import KINDS, ZooError, catalogue
    from zoo_registry.errors import nearest

    if kind is not None and kind not in KINDS:
        raise ZooError(f"{kind!r} is no kind of part{nearest(kind, KINDS)}")
    return tuple(c for k in KINDS if kind in (None, k) for c in catalogue().of(k))


def list_models(pattern: str = "*", *, pretrained: bool = False) -> list[str]:
    """The names of recipes, which `train` and `build` take, and of trained models, which `load` takes.

    pattern: of names, as "attn*". pretrained: trained models alone.
    """
    import fnmatch

    from zoo_registry import catalogue

    recipes = () if pretrained else catalogue().recipe_names()
    return sorted(fnmatch.filter({*recipes, *catalogue().pretrained_names()}, pattern))


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import zoo` needs no torch and `zoo` starts at once."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_LAZY[name])
    value = module if name == "legacy" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
