"""What a metric receives and returns, and how a result is named.

Shape letters: see `zoo_registry.contracts`; n images or pairs, F feature width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import Tensor

    from ..recipe import Recipe
    from .data import Record
    from .extractors import AttributeReader, ExtractorChoice, Layer

Better = Literal["higher", "lower"] | None
"""Which values are the better ones; None: neither, a value is held against that of real images."""

ImageSource = Literal["generated", "real", "train"]
"""The pipeline's images; the real images of the protocol's split; the real ones of the training split."""


@dataclass(frozen=True, kw_only=True)
class EvaluationProtocol:
    """All that has to be equal for two numbers to be compared. A part of kind `protocol` names one.

    metric, settings: the part that measures, and its settings.
    split: of the data set, whose captions are generated and whose images are the real ones.
    images: how many images are generated, in all; 0 where the metric generates none.
    per_caption: how many of them are of the same caption, each from its own noise.
    crop: the cached image's shorter side over that of the central crop which is taken (76/64: as StackGAN
        and AttnGAN train).
    resize: the resolution that real and generated images are brought to, bilinear and antialiased, before any
        extractor sees them; None: the pipeline's own.
    seed: of the noise and of the choice of captions.
    truncation: noise is sampled from the normal distribution within plus and minus this; None: from all of
    it.
    """

    name: str
    version: int
    metric: str
    images: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    split: str = "test"
    per_caption: int = 1
    crop: float = 76 / 64
    resize: int | None = None
    seed: int = 0
    truncation: float | None = None


@dataclass(frozen=True)
class Score:
    """One number.

    interval: of 95 % confidence. count: what it is taken over, images or pairs. chance: what guessing gets.
    real: what real images get, by the same way of measuring.
    """

    value: float
    count: int
    interval: tuple[float, float] | None = None
    chance: float | None = None
    real: float | None = None


@dataclass(frozen=True)
class Measured:
    """What a metric found: scores by name (the metric's own name where there is one alone), and images."""

    scores: Mapping[str, Score]
    images: Mapping[str, Image.Image] = field(default_factory=dict)


class Study(Protocol):
    """What a metric may ask about a pipeline on a data set, under one protocol.

    Generated image i shows `captions[i]`, which belongs to `records[i]`. Everything comes back in a fixed
    order on the CPU, and does not depend on how large the batches are.
    """

    protocol: EvaluationProtocol
    recipe: Recipe  # of the pipeline
    device: torch.device

    @property
    def captions(self) -> tuple[str, ...]:
        """Of each generated image its caption."""
        ...

    @property
    def stated(self) -> tuple[frozenset[str] | None, ...]:
        """For each generated image the attributes that its caption mentions; None where that is unknown."""
        ...

    @property
    def records(self) -> tuple[Record, ...]:
        """Of each generated image the record that its caption is of."""
        ...

    def of_split(self) -> Sequence[Record]:
        """All records of the protocol's split: those of the real images, in their order."""
        ...

    def require(self, *images: Literal["real", "train"]) -> None:
        """Raise `ZooError` where the data set has no such images, or has them smaller than the resolution."""
        ...

    def batches(self, which: ImageSource) -> Iterator[Tensor]:
        """Images as [b,3,R,R] in [-1, 1] on the study's device, in order, with a progress bar."""
        ...

    def features(self, which: ImageSource, extractor: ExtractorChoice, layer: Layer = "features") -> Tensor:
        """Features [n,F] float32, or class scores. Those of real images are cached by content.

        Raises `ZooError` where the extractor is not available or does not give that layer.
        """
        ...

    def matched(
        self, extractor: ExtractorChoice, captions: Sequence[str], which: ImageSource = "generated"
    ) -> tuple[Tensor, Tensor]:
        """Vectors of images [n,D] and of some captions [c,D] in the space of an extractor that reads both."""
        ...

    def attribute_reader(self, extractor: ExtractorChoice) -> AttributeReader:
        """An extractor that reads attributes off images of the study's resolution.

        Raises `ZooError` where there is none for the data set.
        """
        ...


@runtime_checkable
class Metric(Protocol):
    """Numbers about a pipeline's images. Built without wires; settings are keywords."""

    better: ClassVar[Better]

    def check(self, study: Study, /) -> None:
        """Raise `ZooError` where the study lacks what measuring needs: images, captions, classes, packages.

        Called for every metric of an evaluation before anything is generated; what a metric does not check
        here, it finds out in `measure`.
        """

    def measure(self, study: Study, /) -> Measured:
        """Measure, after `check`. Raises `ZooError` where the images or their features cannot be measured."""
        ...
