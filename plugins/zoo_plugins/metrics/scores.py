"""What the metrics share: checks of what a study gives, and intervals of 95 % confidence."""

from __future__ import annotations

import math

from torch import Tensor

from zoo_registry.contracts import ExtractorChoice, ImageSource, Layer, Study
from zoo_registry.errors import ZooError

TIE = 1e-9
"""Cosines nearer than this are equal: they differ by the order of a sum."""
_NORMAL = 1.959963984540054  # the standard normal distribution is below it with probability 0.975


def features_of(
    study: Study,
    images: ImageSource,
    extractor: ExtractorChoice,
    metric: str,
    layer: Layer = "features",
) -> Tensor:
    """The study's features [n,F] in float64. Raises `ZooError` where some are not finite."""
    described = {"generated": "generated", "real": "real", "train": "training"}[images]
    return finite(study.features(images, extractor, layer), metric, f"{described} images")


def finite(vectors: Tensor, metric: str, of_what: str) -> Tensor:
    """Vectors [n,F] in float64. Raises `ZooError` where some are not finite."""
    broken = int((~vectors.isfinite()).any(dim=1).sum())
    if broken:
        raise ZooError(
            f"{metric}: the features of {broken} of {len(vectors)} {of_what} are not finite: the images "
            "themselves are not, or the network that sees them is broken; `zoo sample` shows the images"
        )
    return vectors.double()


def with_text(study: Study, metric: str) -> None:
    """Raise `ZooError` for a pipeline that reads no captions."""
    if "text_encoder" not in study.recipe.parts:
        raise ZooError(
            f"{metric}: {study.recipe.name} has no text, this metric compares images with captions; "
            "fid, kid and precision-recall do not need it"
        )


def interval(value: float, error: float, degrees: float = math.inf) -> tuple[float, float] | None:
    """A value and its standard error to an interval; `degrees` of freedom of that error.

    Student's quantile by the expansion in Abramowitz and Stegun, 26.7.5, within 1 % from 4 degrees on; None
    below, where there is little to tell.
    """
    if degrees < 4:
        return None
    z = _NORMAL
    quantile = (
        z
        + (z**3 + z) / (4 * degrees)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * degrees**3)
    )
    return value - quantile * error, value + quantile * error


def of_mean(values: Tensor) -> tuple[float, float] | None:
    """The interval of the mean of independent values [n]."""
    count = len(values)
    if count < 2:
        return None
    return interval(values.mean().item(), values.std().item() / math.sqrt(count), count - 1)


def of_share(share: float, count: int) -> tuple[float, float]:
    """The interval of a share of `count` (Wilson 1927), within 0 and 1 and wide enough at both."""
    square = _NORMAL**2 / count
    middle = (share + square / 2) / (1 + square)
    half = _NORMAL * math.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    # exact at the ends, which rounding would miss by 1e-18
    return 0.0 if share == 0 else middle - half, 1.0 if share == 1 else middle + half
