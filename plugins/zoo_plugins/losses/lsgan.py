"""Least squares GAN: arXiv:1611.04076, section 3.2, equation 9 (a = 0, b = c = 1).

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from torch import Tensor

from .adversarial import Pointwise


class LeastSquares(Pointwise):
    """Real logits pulled to 1, those of fakes to 0; the generator pulls the logits of its generated images to
    1.

    Half of each square, as in the paper.

    One term per resolution R: "adversarial/R", of one kind of head "matching/R" or "realism/R".
    """

    def real(self, logits: Tensor) -> Tensor:
        """(logit - 1)^2 / 2, the mean over logits [B]."""
        return 0.5 * (logits - 1).square().mean()

    def fake(self, logits: Tensor) -> Tensor:
        """logit^2 / 2, the mean over logits [B]."""
        return 0.5 * logits.square().mean()
