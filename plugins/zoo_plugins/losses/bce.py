"""Adversarial loss by cross entropy: AttnGAN (arXiv:1711.10485), section 3.1, equations 4 and 5.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo_registry.contracts import Round

from .adversarial import Heads, Pointwise, Scores


class BinaryCrossEntropy(Pointwise):
    """Real, generated and mismatched pairs distinguished; images alone too, where the discriminator has that
    head.

    mismatched_is_real: count the image of a mismatched pair as real once more in the unconditional head, as
        StackGAN++ does; with balance = "sum" the whole is then its code's
        [b(x|s,1) + b(x,1)] + [b(x'|s,0) + b(x',1)] + [b(x^|s,0) + b(x^,0)].

    The defaults are AttnGAN's weights, and Reed's (arXiv:1605.05396, algorithm 1) where there is one head.
    One term per resolution R: "adversarial/R", of one kind of head "matching/R" or "realism/R".
    """

    def __init__(
        self,
        *,
        heads: Heads = "all",
        mismatched: bool = True,
        balance: Literal["mean", "sum"] = "mean",
        mismatched_is_real: bool = False,
    ) -> None:
        super().__init__(heads=heads, mismatched=mismatched, balance=balance)
        self.mismatched_is_real = mismatched_is_real

    # Equation 5, and equation 4 in its non-saturating form: b(logit, 1) = -log D, b(logit, 0) = -log(1 - D)
    def real(self, logits: Tensor) -> Tensor:
        """-log D, the mean over logits [B]."""
        return F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))

    def fake(self, logits: Tensor) -> Tensor:
        """-log(1 - D), the mean over logits [B]."""
        return F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))

    def more_real(
        self, round: Round, heads: Sequence[Tensor | None], real: Sequence[Scores]
    ) -> Iterable[Scores]:
        """The unconditional logits of the images of mismatched pairs."""
        if not self.mismatched_is_real or round.mismatch is None:
            return ()
        images, _ = round.mismatch
        return [
            tuple(logits[images] for logits in of_head)
            for sentence, of_head in zip(heads, real, strict=True)
            if sentence is None
        ]
