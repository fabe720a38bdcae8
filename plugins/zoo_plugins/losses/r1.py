"""R1: zero-centred gradient penalty on real images, arXiv:1801.04406, section 4.1, equation 9.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor

from zoo_registry.contracts import Round

from .gradients import Regulariser, penalised, squared_length


class R1(Regulariser):
    """gamma / 2 times the squared length of the gradient by real images.

    gamma: its strength; it changes over training as a schedule of the recipe's `weight`.

    Terms: "r1/R", R the resolution of the score; several heads are summed.
    """

    def __init__(self, *, gamma: NonNegativeFloat = 10.0, every: PositiveInt = 1) -> None:
        super().__init__("r1", gamma / 2, every)

    def terms(self, round: Round) -> Iterable[Tensor]:
        """|gradient|^2, the mean over real images."""
        return penalised(round, round.real, round.head_inputs, squared_length)
