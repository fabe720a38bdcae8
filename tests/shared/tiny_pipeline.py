"""A pipeline of very small parts, not trained."""

from __future__ import annotations

from typing import Any

from tiny_parts import tiny

from zoo.assemble import assemble
from zoo.pipeline import SAMPLING, Pipeline
from zoo_registry import Recipe, catalogue
from zoo_registry.contracts import TextSource
from zoo_registry.testing import CAPTIONS


def made(discriminator: str = "pyramid", **parts: str) -> Pipeline:
    """A pipeline of these parts, whose vocabulary is that of `CAPTIONS`."""
    table: dict[str, Any] = {
        kind: {"use": name, **tiny(f"{kind}/{name}")}
        for kind, name in {**parts, "discriminator": discriminator}.items()
    }
    table |= {"zoo": 1, "name": "tiny", "task": "gan", "losses": [{"use": "bce"}]}
    recipe = Recipe.read(table, catalogue())
    built = assemble(recipe, TextSource(captions=CAPTIONS), kinds=SAMPLING)
    return Pipeline(recipe, built)
