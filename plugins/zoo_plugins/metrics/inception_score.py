"""Inception score (arXiv:1606.03498, section 4)."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import PositiveInt

from zoo_registry.contracts import ExtractorChoice, Measured, Metric, Score, Study
from zoo_registry.errors import ZooError

from .scores import features_of, interval


class InceptionScore(Metric):
    """exp of the mean KL divergence of each image's classes from all images' classes; from 1 up.

    The mean over disjoint parts of the generated images, which are shuffled by the protocol's seed. The parts
    are what the interval is of. It rises with the number of images per part, and knows nothing of the real
    ones, nor of captions. By torch-fidelity.

    features: an extractor with class scores. StackGAN, AttnGAN and DM-GAN published scores of CUB from an
        Inception network tuned to birds: those are not comparable with these.
    splits: how many parts the images are divided into.

    Raises `ZooError` for fewer images than parts.
    """

    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def __init__(self, *, features: ExtractorChoice = "inception", splits: PositiveInt = 10) -> None:
        self.extractor, self.splits = features, splits

    def check(self, study: Study, /) -> None:
        """Require an image a part."""
        count = len(study.captions)
        if count < self.splits:
            raise ZooError(
                f"inception-score: {count} images cannot be split into {self.splits} parts; "
                f"use splits={max(count, 1)} or less, or generate more images"
            )

    def measure(self, study: Study, /) -> Measured:
        """The score "inception-score"."""
        from torch_fidelity import metric_isc

        logits = features_of(study, "generated", self.extractor, "inception-score", "logits")
        found = metric_isc.isc_features_to_metric(logits, self.splits, True, study.protocol.seed)
        value = found[metric_isc.KEY_METRIC_ISC_MEAN]
        # theirs is the deviation of the parts themselves: / n, not / (n - 1)
        error = found[metric_isc.KEY_METRIC_ISC_STD] / math.sqrt(max(self.splits - 1, 1))
        bounds = interval(value, error, self.splits - 1)
        return Measured({"inception-score": Score(value, len(logits), bounds)})
