"""What the procedural data sets have in common: counting, splits of disjoint classes, sources of chance.

Image `i` depends on the seed and on `i` only: a larger set begins with the images of a smaller one, and
every resolution shows the same content.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import asdict
from enum import IntEnum
from math import log1p
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, Self, TypeVar

import numpy as np
from PIL import Image

from zoo_plugins.datasets.procedural.grammar import Sentence
from zoo_registry.contracts import Dataset, DataSource, Problem, Record
from zoo_registry.errors import ZooError, nearest

MOST_IMAGES = 10_000_000


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Kind = TypeVar("Kind", bound=_Named)  # a class: a frozen dataclass of attributes with a name

COUNT = 6000
RESOLUTION = 128
TEST_EVERY = 5  # one image in five is of the test split, the second of each five

PRACTICE = 10**9  # the number of the first image to practise on: beyond those of any set
HIDDEN = "hidden"  # the value of an attribute that an image does not show

_CANDIDATES = 40
_MIXTURES = 6


class Purpose(IntEnum):
    """What a generator, seeded with (seed, purpose, number), is for."""

    CLASS = 0
    IMAGE = 1
    CAPTIONS = 2
    DRAWING = 3
    MIXTURE = 4


class Scene(NamedTuple):
    """An image before it is generated, and what is known of it.

    unseen: attributes that captions may mention, but which do not show in this image, or only outside of the
        crop that training and evaluation see.
    small: attributes that can be made out at 64 px in most such images, but not in all: a judge learns from
        them and is not counted on them.
    """

    draw: Callable[[], Image.Image]
    attributes: Mapping[str, str]
    unseen: Set[str] = frozenset()
    small: Set[str] = frozenset()


class ProceduralDataset(Dataset, Generic[Kind]):
    """A procedural data set. The source's argument is "COUNT", "COUNT,mixed", "mixed" or "" (6000).

    COUNT: images in all, train and test. mixed: every training image has attributes of its own, sampled
    freely, and is a class of its own; no training image has the attributes of a test class. The test split is
    the same with and without. Images have the source's resolution (128 where it names none). Raises
    `ZooError` for any other argument.
    """

    folder_layout = ""
    name: ClassVar[str]
    version: ClassVar[int]  # to be raised whenever an image or a caption changes
    judges = Path(__file__).with_name("judges")  # `python -m benchmarks.judge --ship` puts them there

    def __init__(self, source: DataSource, /) -> None:
        found = re.fullmatch(r"|mixed|([1-9][0-9]*)(,mixed)?", source.argument)
        if found is None:
            raise ZooError(
                f"{self.name}:{source.argument}: expected a number of images, got {source.argument!r}; "
                f"examples: '{self.name}', '{self.name}:500', '{self.name}:500,mixed' (free attributes)"
            )
        if float(found[1] or 0) > MOST_IMAGES:  # int refuses thousands of digits
            raise ZooError(f"{self.name}:{source.argument}: expected {MOST_IMAGES:,} images or fewer")
        self.source = source
        self.resolution = source.resolution or RESOLUTION
        self._count = int(found[1] or COUNT)
        self.free = source.argument.endswith("mixed")
        self._records: dict[str, tuple[Record, ...]] = {}

    @abstractmethod
    def classes(self, split: str) -> Sequence[Kind]:
        """The classes of a split; no class is in both."""

    @abstractmethod
    def mixed(self, rng: np.random.Generator) -> Kind:
        """A class of no split, all its attributes sampled at random."""

    @abstractmethod
    def scene(self, kind: Kind, number: int) -> Scene:
        """What image `number` shows, of a class."""

    @abstractmethod
    def captions(self, attributes: Mapping[str, str], rng: np.random.Generator) -> Sequence[Sentence]:
        """What people might write below an image."""

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """No folder is a procedural data set."""
        return False

    def splits(self) -> tuple[str, ...]:
        """ "train" and "test"; a set of one image has no test split."""
        return ("train", "test")[: self._count]

    def records(self, split: str) -> Sequence[Record]:
        """The images of a split in a fixed order. Each is generated when its `image` is called."""
        if split not in self.splits():
            raise ZooError(
                f"{self.name}:{self._count}: there is no split {split!r}{nearest(split, self.splits())}"
            )
        if split not in self._records:
            numbers = [n for n in range(self._count) if (n % TEST_EVERY == 1) == (split == "test")]
            self._records[split] = tuple(
                self._record(split, rank, number) for rank, number in enumerate(numbers)
            )
        return self._records[split]

    def standard(self, resolution: int, tests: int) -> Self:
        """The same set whatever its own count and seed: at a resolution, with so many images in "test"."""
        return type(self)(DataSource(str(TEST_EVERY * tests), resolution=resolution))

    def practice(self, count: int) -> Sequence[Record]:
        """Images of mixed classes, each of its own, without captions: what a judge learns from.

        In the splits' few classes every attribute goes with all others, so that a judge would learn the
        classes. No image here has the attributes of a class of the test split. Of a few mixtures the one is
        taken whose values have been taken least often. Attributes have no value where they do not show.
        """
        tested = [_features(kind) for kind in self.classes("test")]
        counts: Counter[tuple[str, str]] = Counter()
        records: list[Record] = []
        for number in range(PRACTICE, PRACTICE + count):
            rng = np.random.default_rng(self.key(Purpose.MIXTURE, number))
            candidates = [self.mixed(rng) for _ in range(_MIXTURES)]
            kind = min(
                (candidate for candidate in candidates if _features(candidate) not in tested),
                key=lambda candidate: sum(log1p(counts[item]) for item in _features(candidate).items()),
            )
            counts.update(_features(kind).items())
            scene = self.scene(kind, number)
            visible = {name: value for name, value in scene.attributes.items() if name not in scene.unseen}
            records.append(Record(str(number), scene.draw, (), attributes=visible))
        return records

    def problems(self) -> Sequence[Problem]:
        """None: procedural images have no problems."""
        return ()

    def fingerprint(self) -> str:
        """Names every choice that the images and captions depend on."""
        return (
            f"{self.name} version={self.version} count={self._count} resolution={self.resolution} "
            f"seed={self.source.seed}{' mixed' if self.free else ''}"
        )

    def key(self, purpose: Purpose, number: int) -> tuple[int, int, int]:
        """What seeds a generator for one purpose of one image."""
        return self.source.seed, int(purpose), number

    def _kind(self, split: str, rank: int) -> Kind:
        """The class of the `rank`-th image of a split. Classes come in shuffled rounds, once a round."""
        kinds = self.classes(split)
        turn, place = divmod(rank, len(kinds))
        order = np.random.default_rng(self.key(Purpose.CLASS, turn)).permutation(len(kinds))
        return kinds[order[place]]

    def _free_kind(self, number: int) -> Kind:
        """Attributes sampled freely, but never those of a test class."""
        tested = [_features(kind) for kind in self.classes("test")]
        rng = np.random.default_rng(self.key(Purpose.MIXTURE, number))
        while _features(kind := self.mixed(rng)) in tested:
            pass
        return kind

    def _record(self, split: str, rank: int, number: int) -> Record:
        """The `rank`-th image of a split."""
        free = self.free and split == "train"
        kind = self._free_kind(number) if free else self._kind(split, rank)
        name = f"{kind.name}/{number:06d}"
        scene = self.scene(kind, number)
        said = self.captions(scene.attributes, np.random.default_rng(self.key(Purpose.CAPTIONS, number)))
        return Record(
            name=name,
            image=scene.draw,
            captions=tuple(sentence.text for sentence in said),
            label=name if free else kind.name,
            attributes=scene.attributes,
            stated=tuple(sentence.tells - scene.unseen - scene.small for sentence in said),
        )


def far_apart(count: int, seed: int, candidate: Callable[[int, np.random.Generator], Any]) -> tuple[Any, ...]:
    """Classes 0 to `count` in a fixed order: of a few candidates each, the one least like any before it."""
    rng = np.random.default_rng(seed)
    chosen: list[Any] = []
    features: list[dict[str, str]] = []
    for index in range(count):
        candidates = [candidate(index, rng) for _ in range(_CANDIDATES)]
        best = min(
            candidates,
            key=lambda candidate: sum(_likeness(asdict(candidate), other) ** 3 for other in features),
        )
        chosen.append(best)
        features.append(asdict(best))
    return tuple(chosen)


def _features(kind: _Named) -> dict[str, str]:
    """The attributes of a class without its name."""
    return {name: value for name, value in vars(kind).items() if name != "name"}


def _likeness(mine: dict[str, str], other: dict[str, str]) -> int:
    return sum(mine[key] == other[key] for key in mine)


def pick(rng: np.random.Generator, values: Sequence[str]) -> str:
    """One of the values; a value that is there twice is taken twice as often."""
    return values[int(rng.integers(len(values)))]
