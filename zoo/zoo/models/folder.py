"""A model's folder: its configuration, and where in it each part lies. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.errors import printable
from zoo_registry.recipe import FORMAT, SINGLE
from zoo_registry.text import read_json

SAMPLING = ("text_encoder", "conditioning", "generator")
"""The parts that sampling needs."""
FOLDERS = {"discriminator": "training", "image_encoder": "training", "style_encoder": "training"}
"""Where in a model's folder a part lies that sampling does not need."""


def part_file(folder: Path, kind: str) -> Path:
    """The weights of a part in a model's folder."""
    return folder / FOLDERS.get(kind, "") / f"{kind}.safetensors"


def check_generates(recipe: Recipe, model: str | Path) -> None:
    """Raise `ZooError` for a model without a generator."""
    if "generator" not in recipe.parts:
        raise ZooError(f"{model} has no generator and cannot generate; expected a pipeline")


def read_config(folder: Path, name: str | None = None) -> tuple[Recipe, Mapping[str, Any]]:
    """The recipe of a model's folder and the versions that made it.

    name: of the model as the user knows it. Names the distribution of a part that is missing.
    """
    path = folder / "config.json"
    label = f"{name}: config.json" if name else str(path)
    try:
        config = read_json(path)
        version = config["format"]
        if version != FORMAT:
            raise ZooError(
                f"{label} has format {version!r}; this zoo reads format {FORMAT}: install a newer t2i-zoo"
            )
        table, made = dict(config["recipe"]), dict(config["made_with"])
        plugins = dict(made.get("plugins", {}))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ZooError(
            f"{label} cannot be read as a model's configuration: {type(error).__name__}: {error}"
        ) from None
    if "extends" in table:
        raise ZooError(f"{label} extends another recipe; a saved model's recipe is whole and names no file")
    try:
        return Recipe.read(table, catalogue()), made
    except ZooError as error:
        installed = {plugin.distribution for plugin in catalogue().plugins if not plugin.error}
        made_by = {printable(plugin): printable(number) for plugin, number in plugins.items()}
        missing = [f"{plugin}=={number}" for plugin, number in made_by.items() if plugin not in installed]
        cause = str(error) if name is None else f"{name}: {error}"
        if not missing:
            raise ZooError(cause) from None
        raise ZooError(
            f"{cause}\nit was made with {', '.join(missing)}: pip install {' '.join(missing)}"
        ) from None


def folders_beside(folder: Path) -> list[str]:
    """Folders that a mistyped one may stand for."""
    if not folder.parent.is_dir():
        return []
    return [str(folder.parent / p.name) for p in folder.parent.iterdir() if p.is_dir()]


def trained_step(folder: Path) -> int | None:
    """The step of its training that a model's weights are of; None where no whole model of a run is there."""
    try:
        config = read_json(folder / "config.json")
        places = [place for place in SINGLE if place in config["recipe"]]
        step = config["step"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return int(step) if all(part_file(folder, place).is_file() for place in places) else None
