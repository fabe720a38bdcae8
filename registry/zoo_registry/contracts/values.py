"""What flows between parts: tensors with names.

Shape letters: see `zoo_registry.contracts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Tokens(NamedTuple):
    """Captions as numbers."""

    ids: Tensor  # [B,L] int64
    mask: Tensor  # [B,L] bool, True where real; at least one True a row


class Text(NamedTuple):
    """A text encoder's features of a batch of captions."""

    sentence: Tensor  # [B,D]
    words: Tensor | None = None  # [B,L,D]
    mask: Tensor | None = None  # [B,L] bool, True where real
    ids: Tensor | None = None  # [B,L] int64: the words, where the encoder has a vocabulary of them


class ImageFeatures(NamedTuple):
    """An image encoder's features of a batch of images."""

    vector: Tensor  # [B,D]
    regions: Tensor | None = None  # [B,N,D], row-major over the grid
    grid: tuple[int, int] | None = None  # (h, w), N = h * w


class Condition(NamedTuple):
    """The sentence as the generator receives it; `mean` and `logvar` where it was sampled from a Gaussian."""

    code: Tensor  # [B,C]
    mean: Tensor | None = None  # [B,C]
    logvar: Tensor | None = None  # [B,C]


class Growth(NamedTuple):
    """How far a growing network has grown. Networks that do not grow ignore it.

    ProGAN's alpha fades the newest resolution in: at 0 the image is the smaller one, doubled by nearest
    neighbour.
    """

    resolution: int  # R of the largest image generated now
    alpha: float = 1.0  # share of the newest resolution in the image, 0 to 1


class Generated(NamedTuple):
    """A generator's images, small to large."""

    images: tuple[Tensor, ...]  # each [B,3,R,R] in [-1,1]
    attention: tuple[Tensor, ...] = ()  # each [B,L,h,w], softmax over L; one per stage that attends to words
