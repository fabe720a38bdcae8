"""Adversarial hinge loss: geometric GAN (arXiv:1705.02894), section 4.

With mismatched pairs: DF-GAN (arXiv:2008.05865), equation 1. Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from .adversarial import Pointwise


class Hinge(Pointwise):
    """Real logits pushed above 1, those of fakes below -1; the generator raises the logits of its generated
    images.

    With one head the defaults are DF-GAN's h(-D(x,s)) + [h(D(x^,s)) + h(D(x,s'))] / 2 with
    h(d) = max(0, 1 + d), and -D(x^,s) for the generator.

    One term per resolution R: "adversarial/R", of one kind of head "matching/R" or "realism/R".
    """

    def real(self, logits: Tensor) -> Tensor:
        """max(0, 1 - logit), the mean over logits [B]."""
        return F.relu(1 - logits).mean()

    def fake(self, logits: Tensor) -> Tensor:
        """max(0, 1 + logit), the mean over logits [B]."""
        return F.relu(1 + logits).mean()

    def generated(self, logits: Tensor) -> Tensor:
        """-logit, the mean over logits [B]."""
        return -logits.mean()
