"""What the drawn data sets have in common: counting, splits of disjoint classes, sources of chance.

Picture `i` depends on the seed and on `i` only: a larger set begins with the pictures of a smaller one, and
every side shows the same content.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from zoo_registry.contracts import Dataset, DataSource, Problem, Record
from zoo_registry.errors import ZooError, nearest

Kind = TypeVar("Kind")  # a class: a frozen dataclass of attributes with a name

COUNT = 6000
SIDE = 128
TEST_EVERY = 5  # one picture in five is of the test split, the second of each five

_CANDIDATES = 40


class Purpose(IntEnum):
    """What a generator, seeded with (seed, purpose, number), is for."""

    CLASS = 0
    PICTURE = 1
    CAPTIONS = 2
    DRAWING = 3


class DrawnSet(Dataset, Generic[Kind]):
    """A set that draws. The source's argument is the number of pictures in all, train and test ("": 6000).

    Pictures have the source's side (128 where it names none). Raises `ZooError` for an argument that is no
    positive number.
    """

    folder_layout = ""
    name: ClassVar[str]
    version: ClassVar[int]  # to be raised whenever a picture or a caption changes

    def __init__(self, source: DataSource, /) -> None:
        argument = source.argument or str(COUNT)
        if not (argument.isascii() and argument.isdigit() and int(argument) > 0):
            raise ZooError(
                f"{self.name}:{source.argument}: {source.argument!r} is not a number of pictures; "
                f"right would be '{self.name}' or, for 500 pictures, '{self.name}:500'"
            )
        self.source = source
        self.side = source.side or SIDE
        self._count = int(argument)

    @abstractmethod
    def classes(self, split: str) -> Sequence[Kind]:
        """The classes of a split; no class is in both."""

    @abstractmethod
    def picture(self, kind: Kind, number: int) -> Record:
        """Picture `number`, of a class."""

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """No folder is a drawn set."""
        return False

    def splits(self) -> tuple[str, ...]:
        """ "train" and "test"; a set of one picture has no test split."""
        return ("train", "test")[: self._count]

    def records(self, split: str) -> Sequence[Record]:
        """The pictures of a split in the order of their numbers. Drawing waits until `image` is called."""
        if split not in self.splits():
            raise ZooError(
                f"{self.name}:{self._count}: there is no split {split!r}{nearest(split, self.splits())}"
            )
        return self._records[split]

    def problems(self) -> Sequence[Problem]:
        """None: what is drawn has no faults."""
        return ()

    def fingerprint(self) -> str:
        """Names every choice that the pictures and captions depend on."""
        return (
            f"{self.name} version={self.version} count={self._count} side={self.side} seed={self.source.seed}"
        )

    def key(self, purpose: Purpose, number: int) -> tuple[int, int, int]:
        """What seeds a generator for one purpose of one picture."""
        return self.source.seed, int(purpose), number

    @cached_property
    def _records(self) -> dict[str, tuple[Record, ...]]:
        numbers = {
            "train": [number for number in range(self._count) if number % TEST_EVERY != 1],
            "test": list(range(1, self._count, TEST_EVERY)),
        }
        return {
            split: tuple(self._record(split, rank, number) for rank, number in enumerate(chosen))
            for split, chosen in numbers.items()
        }

    def _record(self, split: str, rank: int, number: int) -> Record:
        """The `rank`-th picture of a split. Classes come in shuffled rounds, once a round."""
        kinds = self.classes(split)
        turn, place = divmod(rank, len(kinds))
        order = np.random.default_rng(self.key(Purpose.CLASS, turn)).permutation(len(kinds))
        return self.picture(kinds[order[place]], number)


def far_apart(count: int, seed: int, candidate: Callable[[int, np.random.Generator], Any]) -> tuple[Any, ...]:
    """Classes 0 to `count` in a fixed order: of a few candidates each, the one least like any before it."""
    rng = np.random.default_rng(seed)
    chosen: list[Any] = []
    features: list[dict[str, str]] = []
    for index in range(count):
        offers = [candidate(index, rng) for _ in range(_CANDIDATES)]
        best = min(offers, key=lambda offer: sum(_likeness(asdict(offer), other) ** 3 for other in features))
        chosen.append(best)
        features.append(asdict(best))
    return tuple(chosen)


def _likeness(mine: dict[str, str], other: dict[str, str]) -> int:
    return sum(mine[key] == other[key] for key in mine)


def pick(rng: np.random.Generator, values: Sequence[str]) -> str:
    """One of the values; a value that is there twice is taken twice as often."""
    return values[int(rng.integers(len(values)))]
