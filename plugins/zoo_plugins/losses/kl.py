"""Kullback-Leibler term of the conditioning: StackGAN (arXiv:1612.03242), section 3.2, equation 2.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from zoo_registry.contracts import Loss, Round


class KL(Loss):
    """KL(N(mean, exp(logvar)) || N(0, 1)) of the condition, averaged over the batch: the term "kl".

    reduction: of the terms of the code's C values. "mean", as AttnGAN's and StackGAN's code has it; "sum",
        the paper's form and T2F's, is C times as much.
    """

    def __init__(self, *, reduction: Literal["mean", "sum"] = "mean") -> None:
        self.reduction = reduction

    # -1/2 (1 + log sigma^2 - mu^2 - sigma^2)
    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """`round.condition` must hold mean and logvar."""
        assert round.condition is not None
        _, mean, logvar = round.condition
        assert mean is not None
        assert logvar is not None
        each = -0.5 * (1 + logvar - mean.square() - logvar.exp())  # [B,C]
        return {"kl": each.mean() if self.reduction == "mean" else each.sum(1).mean()}
