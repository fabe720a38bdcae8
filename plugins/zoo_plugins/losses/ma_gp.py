"""Matching-aware gradient penalty: DF-GAN (arXiv:2008.05865), equation 2.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor

from zoo_registry.contracts import Round

from .gradients import Regulariser, norms, penalised


class MatchingAwareGradientPenalty(Regulariser):
    """Makes the discriminator smooth around real images with their own sentence.

    factor: its weight, k of the paper. power: p of the paper, of the length.

    The length is of the gradient by image and sentence together, as in the authors' code; the paper adds the
    two lengths. Without text it is of the gradient by the image. Terms: "ma-gp/R", R the resolution of the
    score; several heads are summed.
    """

    def __init__(
        self, *, factor: NonNegativeFloat = 2.0, power: PositiveFloat = 6.0, every: PositiveInt = 1
    ) -> None:
        super().__init__("ma-gp", factor, every)
        self.power = power

    # k E[ |grad_{x,s} D(x, s)|_2^p ]
    def terms(self, round: Round) -> Iterable[Tensor]:
        """|gradient|^p, the mean over real pairs."""
        return penalised(
            round,
            round.real,
            round.head_inputs,
            lambda gradients: norms(gradients).pow(self.power).mean(),
            sentence_too=True,
        )
