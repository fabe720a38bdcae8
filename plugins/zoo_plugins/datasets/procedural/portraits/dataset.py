"""Portraits: faces generated on the fly from their attributes, with descriptions; nothing to download.

Eighty people are fixed combinations of features; the last sixteen appear in the test split alone. What a
person wears, how they look and where they are differs from image to image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial

import numpy as np

from zoo_plugins.datasets.procedural.dataset import HIDDEN, ProceduralDataset, Purpose, Scene, pick
from zoo_plugins.datasets.procedural.grammar import Sentence
from zoo_plugins.datasets.procedural.portraits.captions import captions
from zoo_plugins.datasets.procedural.portraits.drawing import DRAWING_VERSION, WALLS, draw
from zoo_plugins.datasets.procedural.portraits.head import Portrait
from zoo_plugins.datasets.procedural.portraits.people import TEST_PEOPLE, Person, mixed, people

_EXPRESSIONS = (
    "smiling",
    "smiling",
    "smiling",
    "laughing",
    "laughing",
    "serious",
    "serious",
    "sad",
    "surprised",
)
_CLOTHES = ("t-shirt", "t-shirt", "striped shirt", "shirt", "shirt", "suit", "hoodie", "turtleneck")
_COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "grey", "white")
_SUITS = ("black", "grey", "blue", "brown")
_PLACES = (*WALLS, "leaves", "leaves", "sky", "books", "bricks")
_HATLESS = ("bun", "afro", "spiky", "ponytail")  # hair that no hat fits over
_UNDER_HATS = ("short", "parted", "curly")  # hair that is much the same below one


class Portraits(ProceduralDataset[Person]):
    """Generated people. Labels are persons; the attributes are those of `Person` and of `Portrait`.

    A feature that hat, fringe or sunglasses cover is "hidden".
    """

    name = "portraits"
    version = DRAWING_VERSION

    def classes(self, split: str) -> Sequence[Person]:
        """Sixty-four persons in "train", sixteen others in "test"."""
        return people()[:-TEST_PEOPLE] if split == "train" else people()[-TEST_PEOPLE:]

    def mixed(self, rng: np.random.Generator) -> Person:
        """A person of no split."""
        return mixed(rng)

    def captions(self, attributes: Mapping[str, str], rng: np.random.Generator) -> Sequence[Sentence]:
        """Ten descriptions."""
        return captions(attributes, rng)

    def scene(self, kind: Person, number: int) -> Scene:
        """Image `number`, a portrait of one person."""
        rng = np.random.default_rng(self.key(Purpose.IMAGE, number))
        hat = "none" if kind.style in _HATLESS else pick(rng, ("none",) * 6 + ("cap", "beanie", "sun hat"))
        if hat == "sun hat" and kind.gender == "man":
            hat = "cap"
        clothes = pick(rng, _CLOTHES)
        own = {
            "expression": pick(rng, _EXPRESSIONS),
            "turn": pick(rng, ("front", "front", "side")),
            "tilt": pick(rng, ("straight", "straight", "tilted")),
            "glasses": "sunglasses" if rng.random() < 0.08 else kind.glasses,
            "hat": hat,
            "hat_colour": pick(rng, _COLOURS) if hat != "none" else "none",
            "lipstick": pick(rng, ("none", "red", "pink")) if kind.gender == "woman" else "none",
            "clothes": clothes,
            "clothes_colour": pick(rng, _SUITS if clothes == "suit" else _COLOURS),
            "tie": pick(rng, _COLOURS[:7]) if clothes == "suit" and kind.gender == "man" else "none",
            "background": pick(rng, _PLACES),
        }
        portrait = Portrait(kind, key=self.key(Purpose.DRAWING, number), **own)
        # Of the clothes, the crop that training sees has the collar; a hat covers all hair but the long.
        unseen = {"tie"} | ({"clothes"} if clothes == "striped shirt" else set())
        if hat != "none" and kind.style in _UNDER_HATS:
            unseen |= {"style"}
        return Scene(partial(draw, portrait, self.resolution), _visible(kind, own), unseen)


def _visible(person: Person, own: dict[str, str]) -> dict[str, str]:
    """The attributes of a portrait as it shows them."""
    features = asdict(person)
    attributes = {"person": features.pop("name"), **features, **own}
    if own["glasses"] == "sunglasses":
        attributes |= {"eyes": HIDDEN, "frame": "none"}
    if own["hat"] != "none":
        attributes |= {"fringe": HIDDEN}
    if attributes["fringe"] != "no":
        attributes |= {"brows": HIDDEN}
    if person.style == "bald":
        attributes |= {"style": "bald" if own["hat"] == "none" else HIDDEN}
        attributes |= {"hair": HIDDEN} if person.beard == "none" else {}
    return attributes
