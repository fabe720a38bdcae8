"""R2: zero-centred gradient penalty on generated images, arXiv:1801.04406, section 4.1, equation 10.

R3GAN (arXiv:2501.05441) has it beside R1. Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor

from zoo_registry.contracts import Round

from .gradients import Regulariser, penalised, squared_length


class R2(Regulariser):
    """gamma / 2 times the squared length of the gradient by generated images.

    gamma: its strength; it changes over training as a schedule of the recipe's `weight`.

    Terms: "r2/R", R the resolution of the score; several heads are summed.
    """

    def __init__(self, *, gamma: NonNegativeFloat = 10.0, every: PositiveInt = 1) -> None:
        super().__init__("r2", gamma / 2, every)

    def terms(self, round: Round) -> Iterable[Tensor]:
        """|gradient|^2, the mean over generated images."""
        return penalised(round, round.generated.images, round.head_inputs, squared_length)
