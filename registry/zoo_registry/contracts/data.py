"""Images with captions, and who reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol, runtime_checkable

from ..text import expanded

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class Record:
    """One image of a data set with its captions."""

    name: str  # unique in the set: the path below its folder, without the ending
    image: Path | Callable[[], Image.Image | bytes]  # a file, or what generates it or gives a file's bytes
    captions: tuple[str, ...]  # none: a set for recipes without text
    label: str | None = None  # the class
    box: tuple[float, float, float, float] | None = (
        None  # x, y, width, height in pixels: the object's bounding box
    )
    attributes: Mapping[str, str] = field(
        default_factory=dict
    )  # what a procedural data set knows of its image
    stated: tuple[frozenset[str], ...] | None = None  # of each caption, the attributes it mentions


class Problem(NamedTuple):
    """A problem of a data set, worded so that its owner can fix it."""

    file: str  # path below the set's folder
    what: str  # what is wrong and what would be right


@runtime_checkable
class Dataset(Protocol):
    """A reader of one published layout, or a procedural data set.

    Built with a `DataSource`; reads no pixels.
    """

    source: DataSource
    folder_layout: ClassVar[
        str
    ]  # one line for the user: what such a folder holds; "" for procedural data sets
    metavar: ClassVar[str] = "DIR"  # what follows the colon of NAME:ARGUMENT; DIR has to be a folder

    @classmethod
    def title(cls, argument: str) -> str | None:
        """What a model card calls the data of NAME:ARGUMENT, without a path; None: NAME."""
        return None

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether a folder has this layout."""
        ...

    def splits(self) -> tuple[str, ...]:
        """The splits that are there: "train", "test"."""
        ...

    def records(self, split: str) -> Sequence[Record]:
        """The images of a split that have captions and a file, in a fixed order."""
        ...

    def problems(self) -> Sequence[Problem]:
        """Problems of the layout and of the captions. The engine opens the images and adds theirs."""
        ...

    def passed_over(self) -> Mapping[str, int]:
        """How many files are of no use to the reader, by what they are, such as "hidden files"."""
        return {}

    def fingerprint(self) -> str | None:
        """Identifies images that are not files without generating them; None: the files' content does."""
        ...


@dataclass(frozen=True)
class DataSource:
    """Where a data set comes from.

    `NAME:ARGUMENT` on the command line. For procedural data sets `argument` is the count.
    """

    argument: str
    resolution: int | None = None  # images are needed at this resolution or larger; None: as they are
    seed: int = 0

    @property
    def folder(self) -> Path:
        """The argument as a folder's path."""
        return expanded(self.argument)
