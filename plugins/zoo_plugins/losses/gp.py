"""Gradient penalty between real and generated images: WGAN-GP (arXiv:1704.00028), section 4, equation 3.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor

from zoo_registry.contracts import Round

from .gradients import Regulariser, between, distance_from_one


class GradientPenalty(Regulariser):
    """Keeps the gradient's length near 1 on images between real and generated ones, with the right sentence.

    factor: its weight, lambda of the paper.

    The paper advises against batch normalisation in such a discriminator: its images should not mix.
    Terms: "gp/R", R the resolution of the score; several heads are summed.
    """

    def __init__(self, *, factor: NonNegativeFloat = 10.0, every: PositiveInt = 1) -> None:
        super().__init__("gp", factor, every)

    def terms(self, round: Round) -> Iterable[Tensor]:
        """(|gradient| - 1)^2, the mean over images."""
        return between(round, round.head_inputs, distance_from_one)
