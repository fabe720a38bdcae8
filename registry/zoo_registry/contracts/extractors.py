"""What an extractor receives and gives: a network whose features metrics compare.

Shape letters: see `zoo_registry.contracts`; F feature width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch
    from pydantic import BaseModel
    from torch import Tensor, nn

    from ..recipe import Recipe
    from .data import Dataset, Record
    from .tasks import Batch

_CHOICE = "an extractor"
ExtractorChoice = Annotated[str | dict[str, Any], _CHOICE]
"""A setting of a metric that names an extractor.

"NAME", or "NAME:VALUE" with the setting that has no default; or a table, `{ use = "NAME", SETTING = VALUE }`.
"""
Layer = Literal["features", "logits"]
"""What an extractor gives: the features that distances are taken of, or class scores."""


class Encoders(NamedTuple):
    """The text and the image encoder of a model, which share a space."""

    recipe: Recipe  # of the model
    text_encoder: Any
    image_encoder: Any


class CutImages(Protocol):
    """Images that are decoded once and cut to R×R pixels."""

    fingerprint: str  # a hash of images, captions and classes, the same on every machine

    def __len__(self) -> int: ...

    def cut(self, indices: Sequence[int], uniform: Tensor | None) -> Batch:
        """These images, cut as `uniform` [B,4] in [0, 1) says: row, column, flip (below 0.5), caption.

        None: from the centre, not flipped, the first caption.
        """
        ...


class Progress(Protocol):
    """A progress bar."""

    def advance(self, done: int, note: str = "") -> None:
        """Show how many are done."""
        ...


class ExtractorSetup(Protocol):
    """What the engine hands to an extractor: what is measured on, and help."""

    device: torch.device
    resolution: int  # R of the images that are compared
    dataset: Dataset
    source: str  # what the user calls the data set
    cache: Path  # the user's cache; a part keeps its files in a folder of its own there

    def encoders(self, model: str | None) -> Encoders:
        """The matching encoders of a model, in eval mode on the device.

        model: its folder, that of its run, or its name on the Hub; None: those that the measured pipeline was
        trained with. Raises `ZooError` where there are none.
        """
        ...

    def images(
        self,
        records: Sequence[Record],
        title: str,
        *,
        resolution: int,
        margin: float,
        fingerprint: str | None,
        folder: Path | None = None,
    ) -> CutImages:
        """Decode images into a cache file, with a progress bar called `title`.

        margin: the cached image's shorter side over `resolution`. fingerprint: identifies images that are not
        files. folder: of the cache file; None: `cache`.
        """
        ...

    def content(self, records: Sequence[Record], fingerprint: str | None) -> tuple[str, ...]:
        """What identifies the pixels of each record, on every machine; `fingerprint` as in `images`."""
        ...

    def written(self, folder: Path) -> AbstractContextManager[Path]:
        """A new folder that takes the place of `folder` when the block ends, and vanishes when it fails."""
        ...

    def progress(self, title: str, total: int) -> AbstractContextManager[Progress]:
        """A progress bar."""
        ...

    def seeded(self, *key: int | str) -> torch.Generator:
        """A generator on the CPU for a key."""
        ...

    def hash(self, *modules: nn.Module) -> str:
        """16 hexadecimal digits of networks' weights, the same on every machine."""
        ...


@runtime_checkable
class Extractor(Protocol):
    """A network whose features metrics compare. Built with an `ExtractorSetup`, or without a wire.

    An nn.Module too, which the engine moves to the device and puts into eval mode. Features of an image do
    not depend on its batch. Its component gives "logits" where there are class scores, "captions" where it is
    a `JointExtractor`, "attributes" where it is an `AttributeReader`.
    """

    id: str  # names the network and its weights by content: equal features, equal id

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether a bare folder, in the place of NAME:ARGUMENT, means this extractor."""
        return False

    def forward(self, images: Tensor, layer: Layer = "features") -> Tensor:
        """Features [B,F], or class scores [B,classes], of images [B,3,R,R] in [-1, 1] of any resolution."""
        ...


@runtime_checkable
class JointExtractor(Extractor, Protocol):
    """An extractor that reads captions as well, into the space of its features."""

    def embed(self, captions: Sequence[str]) -> Tensor:
        """Vectors [c,F] of captions, on the device."""
        ...


@runtime_checkable
class AttributeReader(Extractor, Protocol):
    """An extractor that reads attributes off images; trained on real images alone."""

    values: Mapping[str, tuple[str, ...]]  # of each attribute
    accuracy: Mapping[str, float]  # on real images of the test split
    chance: Mapping[str, float]  # what the most frequent value of the test split would get

    def read(self, images: Tensor) -> Mapping[str, Tensor]:
        """Of each attribute the values' numbers [B] int64; `images` is [B,3,R,R] in [-1, 1]."""
        ...


def extractor_settings(metric: type[BaseModel]) -> tuple[str, ...]:
    """Which settings of a metric name an extractor."""
    return tuple(name for name, field in metric.model_fields.items() if _CHOICE in field.metadata)
