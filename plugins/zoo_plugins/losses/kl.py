"""Kullback-Leibler term of the conditioning: StackGAN (arXiv:1612.03242), section 3.2, equation 2."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import NonNegativeFloat
from torch import Tensor

from zoo_registry.contracts import Loss, Round


class KL(Loss):
    """KL(N(mean, exp(logvar)) || N(0, 1)) of the condition: the term "kl".

    The mean over batch and width, as AttnGAN has it; the paper's sum over the width is C times as much.
    """

    def __init__(self, *, weight: NonNegativeFloat = 1.0) -> None:
        self.weight = weight

    # -1/2 (1 + log sigma^2 - mu^2 - sigma^2)
    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """`round.condition` must hold mean and logvar."""
        assert round.condition is not None
        _, mean, logvar = round.condition
        assert mean is not None
        assert logvar is not None
        return {"kl": -0.5 * (1 + logvar - mean.square() - logvar.exp()).mean()}
