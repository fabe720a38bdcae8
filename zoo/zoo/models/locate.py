"""Where models are, by what a user calls them: folders, runs, repositories on the Hub. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from zoo_registry import ZooError, catalogue
from zoo_registry.errors import near
from zoo_registry.text import expanded

from ..files.model import Model
from ..files.run import Run
from .folder import SAMPLING, folders_beside
from .hub import HubId, fetch


def locate(model: str | Path, *, revision: str | None = None, parts: Iterable[str] = SAMPLING) -> Path:
    """The folder of a model: itself, `model/` of a run, one that a plugin ships, or what the Hub has.

    model: "DIR", a shipped model's name, "org/name" or "org/name@revision"; a folder that exists wins over a
    repository of the same spelling, and one that holds a model over a shipped one. parts: which weights are
    fetched from the Hub, of those that the model has. Raises `ZooError` where there is no model.
    """
    folder = expanded(model)
    place = HubId.of_model(model, revision)
    if place is not None:
        return fetch(place, parts=parts)
    if revision is not None:
        raise ZooError(f"{model} with the revision {revision!r}: only a repository on the Hub has revisions")
    for candidate in (folder, Run(folder).model):
        if Model(candidate).exists():
            return candidate
    if (shipped := catalogue().pretrained(str(model))) is not None:
        return shipped
    if Run(folder).exists():
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
