"""Every combination of text encoder, conditioning, generator, discriminator and adversarial loss."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from tiny_parts import tiny

from zoo_registry import Component, Recipe, RecipeError, catalogue

ADVERSARIAL = ("bce", "hinge", "lsgan", "relativistic", "wgan-gp")
AXES = ("text_encoder", "conditioning", "generator", "discriminator")


class Combination(NamedTuple):
    text_encoder: str
    conditioning: str
    generator: str
    discriminator: str
    loss: str

    def table(self) -> dict[str, Any]:
        """As a recipe."""
        parts = {
            kind: {"use": name, **tiny(f"{kind}/{name}")} for kind, name in zip(AXES, self[:4], strict=True)
        }
        return {
            "zoo": 1,
            "name": "-".join(self),
            "task": "gan",
            **parts,
            "losses": [{"use": self.loss}],
            "train": {"steps": 1, "batch_size": 4},
        }

    def read(self) -> Recipe:
        return Recipe.read(self.table(), catalogue())


def own(kind: str) -> list[Component]:
    """The zoo's own parts of a kind, whatever other plugins are installed."""
    ours = [p for p in catalogue().plugins if p.distribution == "t2i-zoo"]
    return [c for p in ours for c in p.components if c.kind == kind]


def combinations() -> Iterator[Combination]:
    names = [[component.name for component in own(kind)] for kind in AXES]
    for chosen in product(*names, ADVERSARIAL):
        yield Combination(*chosen)


def split() -> tuple[list[Combination], dict[Combination, str]]:
    """The legal combinations, and the illegal ones with what is said of them."""
    legal: list[Combination] = []
    illegal: dict[Combination, str] = {}
    for combination in combinations():
        try:
            combination.read()
            legal.append(combination)
        except RecipeError as error:
            illegal[combination] = str(error)
    return legal, illegal
