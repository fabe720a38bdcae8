"""Where models are, by what a user calls them: folders, runs, repositories on the Hub. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.errors import near
from zoo_registry.recipe import FORMAT

SAMPLING = ("text_encoder", "conditioning", "generator")
"""The parts that sampling needs."""
FOLDERS = {"discriminator": "training", "image_encoder": "training", "style_encoder": "training"}
"""Where in a model's folder a part lies that sampling does not need."""


def part_file(folder: Path, kind: str) -> Path:
    """The weights of a part in a model's folder."""
    return folder / FOLDERS.get(kind, "") / f"{kind}.safetensors"


def locate(model: str | Path, *, revision: str | None = None, parts: Iterable[str] = SAMPLING) -> Path:
    """The folder of a model: itself, `model/` of a run, one that a plugin ships, or what the Hub has.

    model: "DIR", a shipped model's name, "org/name" or "org/name@revision"; a folder that exists wins over a
    repository of the same spelling, and one that holds a model over a shipped one. parts: which weights are
    fetched from the Hub, of those that the model has. Raises `ZooError` where there is no model.
    """
    from .hub import HubId, fetch

    folder = Path(model).expanduser()
    place = HubId.of_model(model, revision)
    if place is not None:
        return fetch(place, parts=parts)
    if revision is not None:
        raise ZooError(f"{model} with the revision {revision!r}: only a repository on the Hub has revisions")
    for candidate in (folder, folder / "model"):
        if (candidate / "config.json").is_file():
            return candidate
    if (shipped := catalogue().pretrained(str(model))) is not None:
        return shipped
    if (folder / "recipe.json").is_file():
        raise ZooError(
            f"{folder} is a run that has not written its model yet; go on with: zoo train --resume {folder}"
        )
    if (folder / "export.json").is_file():
        raise ZooError(f"{folder} is an exported model: zoo sample {folder} … --engine onnx runs it")
    known = [*folders_beside(folder), *catalogue().pretrained_names()]
    found = (
        f"it holds: {', '.join(sorted(p.name for p in folder.iterdir())[:8]) or 'nothing'}"
        if folder.is_dir()
        else f"there is no such folder{near(str(model), known)}"
    )
    names = ", ".join(catalogue().pretrained_names())
    raise ZooError(
        f"{model} is not a model: expected a folder with config.json, a run with model/config.json"
        + (f", the name of one that comes with the zoo ({names})" if names else "")
        + f", or a repository on the Hub, org/name or org/name@revision; {found}"
    )


def folders_beside(folder: Path) -> list[str]:
    """Folders that a mistyped one may stand for."""
    if not folder.parent.is_dir():
        return []
    return [str(folder.with_name(p.name)) for p in folder.parent.iterdir() if p.is_dir()]


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
        config = json.loads(path.read_text(encoding="utf-8"))
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
        missing = [f"{plugin}=={number}" for plugin, number in plugins.items() if plugin not in installed]
        cause = str(error) if name is None else f"{name}: {error}"
        if not missing:
            raise ZooError(cause) from None
        raise ZooError(
            f"{cause}\nit was made with {', '.join(missing)}: pip install {' '.join(missing)}"
        ) from None
