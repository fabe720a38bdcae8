"""A metric that needs no network: how far the colours of generated images are from those of real images.

b images of a batch, R their resolution.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor

from zoo_registry.contracts import ImageSource, Measured, Metric, Score, Study


class ColourGap(Metric):
    """Mean over red, green and blue of the distance between two mean colours; 0 is best, 2 the most."""

    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def measure(self, study: Study, /) -> Measured:
        """The score "$part"."""
        generated, real = _colours(study, "generated"), _colours(study, "real")  # [n,3] each
        gap = (generated.mean(0) - real.mean(0)).abs().mean()
        return Measured({"$part": Score(gap.item(), len(generated))})


def _colours(study: Study, which: ImageSource) -> Tensor:
    """Mean colour of each image, [b,3,R,R] in [-1, 1] to [b,3]; float64, so that batches do not matter."""
    return torch.cat([batch.double().mean((2, 3)).cpu() for batch in study.batches(which)])
