"""Aviary: birds generated on the fly from their attributes, with captions; nothing to download.

Sixty species are fixed combinations of attributes; the last twelve appear in the test split alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial

import numpy as np

from zoo_plugins.datasets.procedural.aviary.anatomy import Bird
from zoo_plugins.datasets.procedural.aviary.captions import captions
from zoo_plugins.datasets.procedural.aviary.drawing import DRAWING_VERSION, draw
from zoo_plugins.datasets.procedural.aviary.species import TEST_SPECIES, Species, mixed, species
from zoo_plugins.datasets.procedural.dataset import ProceduralDataset, Purpose, Scene, pick
from zoo_plugins.datasets.procedural.grammar import Sentence

_BACKGROUNDS = {
    "perched": ("leaves", "leaves", "sky", "evening", "snow"),
    "singing": ("leaves", "leaves", "sky", "evening"),
    "standing": ("meadow", "meadow", "snow"),
    "pecking": ("meadow", "meadow", "snow"),
    "flying": ("sky", "sky", "evening", "leaves"),
    "swimming": ("water",),
}
_POSES = ("perched", "perched", "perched", "singing", "standing", "standing", "pecking", "flying", "flying")


class Aviary(ProceduralDataset[Species]):
    """Generated birds. Labels are species; the attributes are those of `Species` with `pose`, `background`
    and `facing`.
    """

    name = "aviary"
    version = DRAWING_VERSION

    def classes(self, split: str) -> Sequence[Species]:
        """Forty-eight species in "train", twelve others in "test"."""
        return species()[:-TEST_SPECIES] if split == "train" else species()[-TEST_SPECIES:]

    def mixed(self, rng: np.random.Generator) -> Species:
        """A species of no split."""
        return mixed(rng)

    def captions(self, attributes: Mapping[str, str], rng: np.random.Generator) -> Sequence[Sentence]:
        """Ten captions."""
        return captions(attributes, rng)

    def scene(self, kind: Species, number: int) -> Scene:
        """Image `number`, a bird of one species."""
        rng = np.random.default_rng(self.key(Purpose.IMAGE, number))
        # Small birds do not swim.
        poses = _POSES if kind.size == "small" else (*_POSES, "swimming", "swimming")
        pose = pick(rng, poses)
        background = pick(rng, _BACKGROUNDS[pose])
        facing = pick(rng, ("left", "right"))
        bird = Bird(kind, pose, background, facing, self.key(Purpose.DRAWING, number))
        features = asdict(kind)
        attributes = {"species": features.pop("name"), **features}
        attributes |= {"pose": pose, "background": background, "facing": facing}
        # Raised wings have their bar along the coverts, which have the body's colour.
        unseen = {"wing_bar"} if pose == "flying" and kind.wing_bar == kind.body else frozenset()
        return Scene(partial(draw, bird, self.resolution), attributes, unseen)
