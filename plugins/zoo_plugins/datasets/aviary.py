"""Aviary: birds drawn on the spot from their attributes, with captions; nothing to download.

Sixty species are fixed combinations of attributes; the last twelve appear in the test split alone. Picture
`i` depends on the seed and on `i` only: a larger aviary begins with the pictures of a smaller one, and
every side shows the same birds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from zoo_plugins.datasets.aviary_anatomy import Bird
from zoo_plugins.datasets.aviary_captions import captions
from zoo_plugins.datasets.aviary_drawing import DRAWING_VERSION, draw
from zoo_plugins.datasets.aviary_species import SPECIES, TEST_SPECIES, Species, species
from zoo_registry.contracts import Dataset, DataSource, Problem, Record
from zoo_registry.errors import ZooError, nearest

COUNT = 6000
SIDE = 128

_TEST_EVERY = SPECIES // TEST_SPECIES  # one picture in five is of the test split, the second of each five
_BACKGROUNDS = {
    "perched": ("leaves", "leaves", "sky", "evening", "snow"),
    "singing": ("leaves", "leaves", "sky", "evening"),
    "standing": ("meadow", "meadow", "snow"),
    "pecking": ("meadow", "meadow", "snow"),
    "flying": ("sky", "sky", "evening", "leaves"),
    "swimming": ("water",),
}
_POSES = ("perched", "perched", "perched", "singing", "standing", "standing", "pecking", "flying", "flying")
_SPECIES, _BIRD, _CAPTIONS, _DRAWING = range(
    4
)  # what a generator, seeded with (seed, one of these, number), is for


class Aviary(Dataset):
    """Drawn birds. The source's argument is the number of pictures in all, train and test ("": 6000).

    Pictures have the source's side (128 where it names none). Labels are species; the attributes are those of
    `Species` with `pose`, `background` and `facing`. Raises `ZooError` for an argument that is no positive
    number.
    """

    folder_layout = ""

    def __init__(self, source: DataSource, /) -> None:
        argument = source.argument or str(COUNT)
        if not (argument.isascii() and argument.isdigit() and int(argument) > 0):
            raise ZooError(
                f"aviary:{source.argument}: {source.argument!r} is not a number of pictures; "
                "right would be 'aviary' or, for 500 pictures, 'aviary:500'"
            )
        self.source = source
        self._count = int(argument)
        self._side = source.side or SIDE
        self._seed = source.seed

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """No folder is an aviary."""
        return False

    def splits(self) -> tuple[str, ...]:
        """ "train" and "test"; an aviary of one picture has no test split."""
        return ("train", "test")[: self._count]

    def records(self, split: str) -> Sequence[Record]:
        """The pictures of a split in the order of their numbers. Drawing waits until `image` is called."""
        if split not in self.splits():
            raise ZooError(
                f"aviary:{self._count}: there is no split {split!r}{nearest(split, self.splits())}"
            )
        return self._records[split]

    def problems(self) -> Sequence[Problem]:
        """None: what is drawn has no faults."""
        return ()

    def fingerprint(self) -> str:
        """Names every choice that the pictures and captions depend on."""
        return f"aviary version={DRAWING_VERSION} count={self._count} side={self._side} seed={self._seed}"

    @cached_property
    def _records(self) -> dict[str, tuple[Record, ...]]:
        test = range(1, self._count, _TEST_EVERY)
        train = (number for number in range(self._count) if number % _TEST_EVERY != 1)
        return {
            "train": tuple(self._record(*pair, species()[:-TEST_SPECIES]) for pair in enumerate(train)),
            "test": tuple(self._record(*pair, species()[-TEST_SPECIES:]) for pair in enumerate(test)),
        }

    def _rng(self, purpose: int, number: int) -> np.random.Generator:
        return np.random.default_rng((self._seed, purpose, number))

    def _record(self, rank: int, number: int, kinds: Sequence[Species]) -> Record:
        """Picture `number`, the `rank`-th of its split. Species come in shuffled rounds, once a round."""
        turn, place = divmod(rank, len(kinds))
        kind = kinds[self._rng(_SPECIES, turn).permutation(len(kinds))[place]]
        rng = self._rng(_BIRD, number)
        poses = (
            _POSES if kind.size == "small" else (*_POSES, "swimming", "swimming")
        )  # small birds do not swim
        pose = poses[rng.integers(len(poses))]
        background = _BACKGROUNDS[pose][rng.integers(len(_BACKGROUNDS[pose]))]
        facing = ("left", "right")[rng.integers(2)]
        bird = Bird(kind, pose, background, facing, (self._seed, _DRAWING, number))
        features = asdict(kind)
        attributes = {"species": features.pop("name"), **features}
        attributes |= {"pose": pose, "background": background, "facing": facing}
        return Record(
            name=f"{kind.name}/{number:06d}",
            image=partial(draw, bird, self._side),
            captions=captions(attributes, self._rng(_CAPTIONS, number)),
            label=kind.name,
            attributes=attributes,
        )
