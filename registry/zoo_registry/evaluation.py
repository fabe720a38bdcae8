"""What metrics are asked, what they may ask, and how a result is named.

Shape letters: see zoo_registry.contracts; n pictures or pairs, F feature width. This module imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import Tensor

    from .contracts import Record
    from .recipe import Recipe

Pictures = Literal["drawn", "real", "train"]
"""What the pipeline drew; the real pictures of the protocol's split; the real ones of the training split."""


@dataclass(frozen=True, kw_only=True)
class EvaluationProtocol:
    """All that has to be equal for two numbers to be compared. A part of kind `protocol` names one.

    metric, settings: the part that measures, and what it is told.
    split: of the data set, whose captions are drawn and whose pictures are the real ones.
    images: how many pictures are drawn, in all; 0 where the metric draws none.
    per_caption: how many of them are of the same caption, each from its own noise.
    crop: the cached picture's shorter side over that of the central crop which is taken (76/64: as StackGAN
        and AttnGAN train).
    resize: the side that real and drawn pictures are brought to, bilinear and antialiased, before any
        extractor sees them; None: the pipeline's own.
    seed: of the noise and of the choice of captions.
    truncation: noise is drawn from the normal distribution within plus and minus this; None: from all of it.
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

    interval: of 95 % confidence. count: what it is taken over, pictures or pairs. chance: what guessing gets.
    real: what real pictures get, by the same way of measuring.
    """

    value: float
    count: int
    interval: tuple[float, float] | None = None
    chance: float | None = None
    real: float | None = None


@dataclass(frozen=True)
class Measured:
    """What a metric found: scores by name (the metric's own name where there is one alone), and pictures."""

    scores: Mapping[str, Score]
    pictures: Mapping[str, Image.Image] = field(default_factory=dict)


@runtime_checkable
class Judge(Protocol):
    """A network that reads the attributes of a drawn set's pictures back, trained on real drawings alone."""

    values: Mapping[str, tuple[str, ...]]  # of each attribute
    accuracy: Mapping[str, float]  # on real drawings of the test split
    chance: Mapping[str, float]  # what the most frequent value of the test split would get

    def read(self, images: Tensor) -> Mapping[str, Tensor]:
        """Of each attribute the values' numbers [B] int64; `images` is [B,3,R,R] in [-1, 1]."""
        ...


class Study(Protocol):
    """What a metric may ask about a pipeline on a data set, under one protocol.

    Drawn picture i shows `captions[i]`, which belongs to `records[i]`. Everything comes back in a fixed order
    on the CPU, and does not depend on how large the batches are.
    """

    protocol: EvaluationProtocol
    recipe: Recipe  # of the pipeline
    device: torch.device

    @property
    def captions(self) -> tuple[str, ...]:
        """Of each drawn picture its caption."""
        ...

    @property
    def stated(self) -> tuple[frozenset[str] | None, ...]:
        """Of each drawn picture the attributes that its caption tells; None where the data does not say."""
        ...

    @property
    def records(self) -> tuple[Record, ...]:
        """Of each drawn picture the record that its caption is of."""
        ...

    def of_split(self) -> Sequence[Record]:
        """All records of the protocol's split: those of the real pictures, in their order."""
        ...

    def batches(self, pictures: Pictures) -> Iterator[Tensor]:
        """Pictures as [b,3,R,R] in [-1, 1] on the study's device, in order, with a progress bar."""
        ...

    def features(
        self, pictures: Pictures, extractor: str, layer: Literal["features", "logits"] = "features"
    ) -> Tensor:
        """Features [n,F] float32. Those of real pictures are cached by content.

        extractor: "inception" (FID's), "timm:NAME", "judge", "own" (the image encoder that the pipeline was
        trained with) or a folder, of a matching model. layer: "logits" for class scores. Raises `ZooError`
        where it cannot be had, and says which can.
        """
        ...

    def matched(
        self, matcher: str, captions: Sequence[str], pictures: Pictures = "drawn"
    ) -> tuple[Tensor, Tensor]:
        """Vectors of pictures [n,D] and of some captions [c,D] in the space of a matching model.

        matcher: "own" (the encoders that the pipeline was trained with) or a folder of a model of the task
        `match`.
        """
        ...

    def judge(self) -> Judge:
        """The judge of the data set at the side of the pictures, trained where there is none yet.

        Raises `ZooError` for a data set that does not know its pictures' attributes.
        """
        ...


@runtime_checkable
class Metric(Protocol):
    """Numbers about what a pipeline draws. Built without wires; settings are keywords."""

    better: ClassVar[Literal["higher", "lower"]]

    def measure(self, study: Study, /) -> Measured:
        """Measure. Raises `ZooError` where the study lacks what is needed (classes, enough captions, …)."""
        ...
