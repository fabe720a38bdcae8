"""Garden: flowers generated on the fly from their attributes, with captions; nothing to download.

Fifty species are fixed combinations of attributes; the last ten appear in the test split alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial

import numpy as np

from zoo_plugins.datasets.procedural.dataset import HIDDEN, ProceduralDataset, Purpose, Scene, pick
from zoo_plugins.datasets.procedural.garden.captions import captions
from zoo_plugins.datasets.procedural.garden.drawing import DRAWING_VERSION, Flower, draw
from zoo_plugins.datasets.procedural.garden.scenes import POTS
from zoo_plugins.datasets.procedural.garden.species import TEST_SPECIES, Species, mixed, species
from zoo_plugins.datasets.procedural.grammar import Sentence

_PLACES = ("leaves", "leaves", "meadow", "meadow", "sky", "evening", "dark", "wall", "snow")
_INDOORS = ("pot", "pot", "vase")
_VISITORS = ("none",) * 8 + ("bee", "butterfly")


class Garden(ProceduralDataset[Species]):
    """Generated flowers. Labels are species; the attributes are those of `Species` and, of `Flower`,
    `blooms`, `framing`, `view`, `background`, `pot` and `visitor`. What an image does not show is "hidden".
    """

    name = "garden"
    version = DRAWING_VERSION

    def classes(self, split: str) -> Sequence[Species]:
        """Forty species in "train", ten others in "test"."""
        return species()[:-TEST_SPECIES] if split == "train" else species()[-TEST_SPECIES:]

    def mixed(self, rng: np.random.Generator) -> Species:
        """A species of no split."""
        return mixed(rng)

    def captions(self, attributes: Mapping[str, str], rng: np.random.Generator) -> Sequence[Sentence]:
        """Ten captions."""
        return captions(attributes, rng)

    def scene(self, kind: Species, number: int) -> Scene:
        """Image `number`, a flower of one species."""
        rng = np.random.default_rng(self.key(Purpose.IMAGE, number))
        framing = pick(rng, ("close", "whole", "whole"))
        background = pick(rng, _PLACES if framing == "close" else (*_PLACES, *_INDOORS))
        count = pick(rng, ("1", "1", "1", "2", "3"))
        own = {
            "blooms": "many" if kind.arrangement != "single" else "1" if framing == "close" else count,
            "framing": framing,
            "view": pick(rng, ("front", "front", "tilted")) if kind.form == "open" else "side",
            "background": background,
            "pot": pick(rng, tuple(POTS)) if background == "pot" else "none",
            "visitor": pick(rng, _VISITORS),
        }
        features = asdict(kind)
        attributes = {"species": features.pop("name"), **features, **own}
        if framing == "close":
            attributes |= {"size": HIDDEN, "stem": HIDDEN}
        flower = Flower(kind, key=self.key(Purpose.DRAWING, number), **own)
        unseen, small = _unseen(kind, framing), _small(kind, framing, own["view"])
        return Scene(partial(draw, flower, self.resolution), attributes, unseen, small)


def _unseen(kind: Species, framing: str) -> set[str]:
    """What 64 px are too few for: petals cannot be counted, and small blooms look much alike."""
    found = {"petals"}
    if kind.form == "open" and (framing == "whole" or kind.layers == "several"):
        found |= {"petal_shape"}
    if kind.pattern == "striped" and framing == "whole":
        found |= {"pattern", "accent"}
    if kind.arrangement != "single":
        found |= {"petal_shape", "pattern", "accent"}
    if kind.arrangement == "spike":
        found |= {"size"}
    return found


def _small(kind: Species, framing: str, view: str) -> set[str]:
    """What can be made out at 64 px in most images, but not in all."""
    found = {"petal_shape", "layers"} if framing == "whole" else set()
    if view == "tilted":
        found |= {"petal_shape"} | ({"accent"} if kind.pattern == "striped" else set())
    return found
