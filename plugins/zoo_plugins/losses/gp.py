"""Gradient penalty between real and generated images: WGAN-GP (arXiv:1704.00028), section 4, equation 3.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor

from zoo_registry.contracts import Round

from .gradients import Regulariser, norms, penalised


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


# lambda (|grad D(x~)|_2 - 1)^2, x~ = t x + (1 - t) x^ with t uniform in [0, 1)
def between(
    round: Round, heads: Sequence[Tensor | None], penalty: Callable[[Sequence[Tensor]], Tensor]
) -> list[Tensor]:
    """A penalty on gradients at points between each real image and the generated image of its sentence.

    One scalar per resolution. The resolutions of an image share one t, sampled from `round.source`.
    """
    share = torch.rand(len(round.real[0]), 1, 1, 1, generator=round.source).to(
        round.real[0].device
    )  # [B,1,1,1]
    points = [
        torch.lerp(fake.float(), real.float(), share)
        for fake, real in zip(round.generated.images, round.real, strict=True)
    ]
    return penalised(round, points, heads, penalty)


def distance_from_one(gradients: Sequence[Tensor]) -> Tensor:
    """(|gradient| - 1)^2, the mean over images, each with one gradient."""
    return (norms(gradients) - 1).square().mean()
