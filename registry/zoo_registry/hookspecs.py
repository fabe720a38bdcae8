"""The hooks that a plugin can implement. Five of them; a sixth needs a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from torch import Tensor

    from .component import Component
    from .contracts import Round

GROUP = "zoo"
"""Entry-point group, and the project name of the hooks."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def zoo_components() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return the components of the plugin."""


@hookspec
def zoo_recipes() -> Iterable[Path]:  # type: ignore[empty-body]
    """Return folders whose `*.toml` files are recipes, named by their file."""


@hookspec
def zoo_pretrained() -> Iterable[Path]:  # type: ignore[empty-body]
    """Return folders that hold trained models, a folder each, which gives the model its name."""


@hookspec
def zoo_commands(app: Any) -> None:
    """Add commands to `app`, the `typer.Typer` of the command line."""


@hookspec
def zoo_step(round: Round, terms: Mapping[str, Tensor], step: int) -> None:
    """Observe one training step: what it produced and its named loss terms, before they are summed."""
