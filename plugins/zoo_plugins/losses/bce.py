"""Adversarial loss by cross entropy: AttnGAN (arXiv:1711.10485), section 3.1, equations 4 and 5.

Letters as in zoo_registry.contracts; also M mismatched pairs.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat
from torch import Tensor

from zoo_registry.contracts import Loss, Round


class BinaryCrossEntropy(Loss):
    """Real, drawn and mismatched pairs told apart; images alone too, where the discriminator offers that.

    One term a side, "adversarial/R". A round without mismatched pairs goes without their term.
    """

    def __init__(self, *, weight: NonNegativeFloat = 1.0) -> None:
        self.weight = weight

    # Equation 4, non-saturating: -log D(x^) - log D(x^, s)
    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The drawings taken for real, alone and with their sentence."""
        terms = _cross_entropy(round, round.fake_features, round.text.sentence, real=True)
        if _unconditional(round):
            alone = _cross_entropy(round, round.fake_features, None, real=True)
            terms = [a + b for a, b in zip(alone, terms, strict=True)]
        return _named(round, terms)

    # Equation 5 with mismatched sentences s' (arXiv:1605.05396) and the authors' weights; with two heads
    # [b(x) + b(x|s)] / 2 + [b(x^) + b(x^|s) + b(x|s')] / 3, with one b(x|s) + [b(x^|s) + b(x|s')] / 2
    def discriminator(self, round: Round, /) -> Mapping[str, Tensor]:
        """Real pairs taken for real; drawn and mismatched ones not."""
        sentence = round.text.sentence
        real = [_cross_entropy(round, round.real_features, sentence, real=True)]
        fake = [_cross_entropy(round, round.fake_features, sentence, real=False)]
        kinds = 2
        if _unconditional(round):
            real.append(_cross_entropy(round, round.real_features, None, real=True))
            fake.append(_cross_entropy(round, round.fake_features, None, real=False))
            kinds = 3
        if round.mismatch is not None:
            images, sentences = round.mismatch
            features = tuple(feature[images] for feature in round.real_features)  # [M,...]
            fake.append(_cross_entropy(round, features, sentence[sentences], real=False))
        return _named(
            round,
            [
                torch.stack(of_real).mean() + torch.stack(of_fake).sum() / kinds
                for of_real, of_fake in zip(zip(*real, strict=True), zip(*fake, strict=True), strict=True)
            ],
        )


def _unconditional(round: Round) -> bool:
    assert round.discriminator is not None
    return round.discriminator.unconditional


def _cross_entropy(
    round: Round, features: tuple[Tensor, ...], sentence: Tensor | None, *, real: bool
) -> list[Tensor]:
    """b(logits, real), one scalar a side."""
    assert round.discriminator is not None
    scores = round.discriminator.score(features, sentence)
    return [
        F.binary_cross_entropy_with_logits(score, torch.full_like(score, float(real))) for score in scores
    ]


def _named(round: Round, terms: list[Tensor]) -> dict[str, Tensor]:
    return {
        f"adversarial/{image.shape[-1]}": term
        for image, term in zip(round.drawing.images, terms, strict=True)
    }
