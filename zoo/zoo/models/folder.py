"""What a model needs to generate, and folders that a mistyped one may stand for. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from zoo_registry import Recipe, ZooError

SAMPLING = ("text_encoder", "conditioning", "generator")
"""The parts that sampling needs."""


def check_generates(recipe: Recipe, model: str | Path) -> None:
    """Raise `ZooError` for a model without a generator."""
    if "generator" not in recipe.parts:
        raise ZooError(f"{model} has no generator and cannot generate; expected a pipeline")


def folders_beside(folder: Path) -> list[str]:
    """Folders that a mistyped one may stand for."""
    if not folder.parent.is_dir():
        return []
    return [str(folder.parent / p.name) for p in folder.parent.iterdir() if p.is_dir()]
