"""Wasserstein critic with gradient penalty and drift: WGAN-GP (arXiv:1704.00028), section 4.

As in ProGAN (arXiv:1710.10196), appendix A.1, and with text as in T2F, whose critic gets the sentence and
has a term for mismatched ones. Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import NonNegativeFloat
from torch import Tensor

from zoo_registry.contracts import Round

from .adversarial import Heads, Pointwise, head_inputs, named, scores, squares
from .gradients import between, distance_from_one


class WassersteinGradientPenalty(Pointwise):
    """E[D(x^)] - E[D(x)] + E[D(x, s')], and what keeps such a critic's slope at 1 and its logits near 0.

    penalty: weight of the gradient penalty, on images between real and generated ones with the right
    sentence.
    drift: weight of E[D(x)^2].
    norm: the length of the gradient that should be 1. "image": of an image's. "pixel": of each pixel's over
        the colours, which is a mistake of T2F's first version; a critic so trained has slopes of about R.

    T2F's weights, the default, are all 1. Terms, R the resolution of the score: "critic/R", "penalty/R",
    "drift/R"; of one kind of head "matching/R", "matching-penalty/R", "matching-drift/R", or "realism/R" and
    so on. A weight of 0 leaves its term out.
    """

    def __init__(
        self,
        *,
        heads: Heads = "all",
        mismatched: bool = True,
        balance: Literal["mean", "sum"] = "sum",
        penalty: NonNegativeFloat = 10.0,
        drift: NonNegativeFloat = 0.001,
        norm: Literal["image", "pixel"] = "image",
    ) -> None:
        super().__init__(heads=heads, mismatched=mismatched, balance=balance)
        self.penalty = penalty
        self.drift = drift
        if heads == "all":
            self.name = "critic"
        self.distance = distance_from_one if norm == "image" else _pixel_distance_from_one

    def real(self, logits: Tensor) -> Tensor:
        """-logit, the mean over logits [B]."""
        return -logits.mean()

    def fake(self, logits: Tensor) -> Tensor:
        """logit, the mean over logits [B]."""
        return logits.mean()

    def discriminator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The critic's terms, the gradient penalty's and the drift's."""
        heads = head_inputs(round, self.heads)
        real = scores(round, round.real_features, heads)
        terms = named(round, self.name, self.compare(round, heads, real))
        prefix = "" if self.heads == "all" else f"{self.name}-"
        if self.penalty:
            penalties = [self.penalty * term for term in between(round, heads, self.distance)]
            terms |= named(round, f"{prefix}penalty", penalties)
        if self.drift:
            terms |= named(round, f"{prefix}drift", [self.drift * term for term in squares(real)])
        return terms


def _pixel_distance_from_one(gradients: Sequence[Tensor]) -> Tensor:
    """(|gradient| - 1)^2, the mean over images and pixels, each with one gradient of three numbers."""
    lengths = [
        torch.linalg.vector_norm(gradient, dim=1).flatten() for gradient in gradients
    ]  # [B*R*R] per resolution
    return (torch.cat(lengths) - 1).square().mean()
