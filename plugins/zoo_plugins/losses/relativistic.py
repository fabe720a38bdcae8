"""Relativistic pairing loss: R3GAN (arXiv:2501.05441), section 2; from arXiv:1807.00734 and arXiv:2011.04926.

Its two penalties are the losses `r1` and `r2`. Letters as in zoo_registry.contracts; also M mismatched pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo_registry.contracts import Loss, Round

from .adversarial import TERMS, Heads, Scores, head_inputs, named, scores


class Relativistic(Loss):
    """Each real image judged more real than the generated image of its sentence, or, for the generator, less.

    heads: of the discriminator, those that judge: "conditional", "unconditional", or "all"; both images of a
        pair get one sentence.
    mismatched: whether, for the discriminator, each real image must also match its own sentence better than
        an image that the sentence does not belong to. A round without such pairs goes without that term.

    The terms of the heads and of the mismatched pairs are summed. One per resolution R: "adversarial/R", of
    one kind of head "matching/R" or "realism/R".
    """

    def __init__(self, *, heads: Heads = "all", mismatched: bool = True) -> None:
        self.heads: Heads = heads
        self.mismatched = mismatched

    # softplus(-(D(x^) - D(x)))
    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The generated images judged more real than the real images of their sentences."""
        heads = head_inputs(round, self.heads)
        real, fake = (scores(round, f, heads) for f in (round.real_features, round.fake_features))
        return named(round, TERMS[self.heads], _above(fake, real))

    # softplus(-(D(x) - D(x^))), and with a sentence s of x softplus(-(D(x, s) - D(x', s)))
    def discriminator(self, round: Round, /) -> Mapping[str, Tensor]:
        """Real images above the generated ones, and a better match than mismatched images."""
        heads = head_inputs(round, self.heads)
        real = scores(round, round.real_features, heads)
        high, low = list(real), scores(round, round.fake_features, heads)
        if self.mismatched and round.mismatch is not None:
            images, sentences = round.mismatch
            features = tuple(feature[images] for feature in round.real_features)  # [M,...]
            for head, of_head in zip(heads, real, strict=True):
                if head is not None:
                    high.append(tuple(round.of_all(logits)[sentences] for logits in of_head))
                    low += scores(round, features, [round.of_all(head)[sentences]])
        return named(round, TERMS[self.heads], _above(high, low))


def _above(high: Sequence[Scores], low: Sequence[Scores]) -> list[Tensor]:
    """Softplus of logits below their partners, summed over the heads: one scalar per resolution."""
    by_head = [
        torch.stack([F.softplus(b - a).mean() for a, b in zip(*pair, strict=True)])
        for pair in zip(high, low, strict=True)
    ]
    return list(torch.stack(by_head).sum(0))
