"""Drift penalty: ProGAN (arXiv:1710.10196), appendix A.1.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor

from zoo_registry.contracts import Round

from .adversarial import scores, squares
from .gradients import Regulariser


class Drift(Regulariser):
    """Keeps the logits of real images near 0, where nothing else holds them: a critic's are free to drift.

    factor: its weight, epsilon of the paper.

    Terms: "drift/R", R the resolution of the score; several heads are summed.
    """

    def __init__(self, *, factor: NonNegativeFloat = 0.001, every: PositiveInt = 1) -> None:
        super().__init__("drift", factor, every)

    def terms(self, round: Round) -> Iterable[Tensor]:
        """logit^2, the mean over real images."""
        return squares(scores(round, round.real_features, round.head_inputs))
