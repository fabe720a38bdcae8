"""The zoo's own parts and recipes, offered through the same door as everybody's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from zoo_registry import Component, hookimpl

from . import (
    augmentations,
    conditioning,
    datasets,
    discriminators,
    extractors,
    generators,
    image_encoders,
    importers,
    losses,
    metrics,
    protocols,
    tasks,
    text_encoders,
)


@hookimpl
def zoo_components() -> Iterable[Component]:
    """Every part of this distribution, by kind."""
    return (
        *text_encoders.COMPONENTS,
        *image_encoders.COMPONENTS,
        *conditioning.COMPONENTS,
        *generators.COMPONENTS,
        *discriminators.COMPONENTS,
        *losses.COMPONENTS,
        *augmentations.COMPONENTS,
        *tasks.COMPONENTS,
        *datasets.COMPONENTS,
        *importers.COMPONENTS,
        *metrics.COMPONENTS,
        *extractors.COMPONENTS,
        *protocols.COMPONENTS,
    )


@hookimpl
def zoo_recipes() -> Iterable[Path]:
    """The folder of our recipes."""
    return [Path(__file__).parent / "recipes"]


@hookimpl
def zoo_pretrained() -> Iterable[Path]:
    """The folder of the models that we ship."""
    return [Path(__file__).parent / "pretrained"]
