"""The registry of the zoo: contracts, components, hooks and recipes. Imports no torch."""

from typing import TYPE_CHECKING, Any

from .component import KINDS, Component, Kind
from .errors import PluginWarning, RecipeError, ZooError
from .hookspecs import hookimpl
from .registry import Catalogue, Plugin, catalogue

if TYPE_CHECKING:
    from .recipe import Recipe

__all__ = [
    "KINDS",
    "Catalogue",
    "Component",
    "Kind",
    "Plugin",
    "PluginWarning",
    "Recipe",
    "RecipeError",
    "ZooError",
    "catalogue",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    """Recipes need pydantic, which listing does not: import it when it is asked for."""
    if name == "Recipe":
        from .recipe import Recipe

        return Recipe
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
