"""Contrastive losses inside the discriminator: XMC-GAN (arXiv:2101.04702), section 4.1, equations 4 to 8.

Letters as in zoo_registry.contracts; every image meets every caption, so T counts the captions (T = B).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
import torch.nn.functional as F
from pydantic import PositiveFloat
from torch import Tensor

from zoo_registry.contracts import ImageFeatures, JointEmbedding, Loss, Round, Text
from zoo_registry.errors import ZooError

from .damsm import word_similarity


class Contrastive(Loss):
    """Finds each image's caption and each caption's image in the batch, by the discriminator's own features.

    The discriminator learns it from real pairs alone; the generator is judged by it. temperature: of the
    cosines. words: the weight of the words' terms beside the sentences'. gamma1, gamma2: how sharply a word
    attends to regions, and how sharply words vote (AttnGAN, arXiv:1711.10485, equations 8 and 10).

    Terms: "contrastive/sentence" and "contrastive/words", each the mean of both directions.
    """

    def __init__(
        self,
        *,
        temperature: PositiveFloat = 0.1,
        gamma1: PositiveFloat = 4.0,
        gamma2: PositiveFloat = 5.0,
    ) -> None:
        self.temperature = temperature
        self.gammas = gamma1, gamma2

    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The terms of generated images."""
        return self._terms(round, round.fake_features)

    def discriminator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The terms of real images."""
        return self._terms(round, round.real_features)

    def _terms(self, round: Round, features: tuple[Tensor, ...]) -> Mapping[str, Tensor]:
        if not isinstance(round.discriminator, JointEmbedding):
            raise ZooError("losses: 'contrastive' needs a discriminator with `match`, as 'contrastive' has")
        image, text = round.discriminator.match(features, round.text)
        image = ImageFeatures(image.vector.float(), cast("Tensor", image.regions).float())
        text = Text(text.sentence.float(), cast("Tensor", text.words).float(), text.mask)
        sentences = F.normalize(image.vector) @ F.normalize(text.sentence).T  # [B,T]
        words = word_similarity(text, image, *self.gammas) / self.gammas[1]  # [B,T]
        return {
            "contrastive/sentence": self._both_ways(sentences, round.labels),
            "contrastive/words": self._both_ways(words, round.labels),
        }

    def _both_ways(self, similarity: Tensor, labels: Tensor | None) -> Tensor:
        logits = similarity / self.temperature
        if labels is not None:  # other images of the class may show the caption as well
            logits = logits.masked_fill((labels[:, None] == labels).fill_diagonal_(False), float("-inf"))
        own = torch.arange(len(logits), device=logits.device)
        return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
