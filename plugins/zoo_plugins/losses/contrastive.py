"""Contrastive losses inside the discriminator: XMC-GAN (arXiv:2101.04702), section 4.1, equations 4 to 8.

Letters as in zoo_registry.contracts; every image meets every caption, so T counts the captions, those of all
processes (T = B where one trains alone).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
import torch.nn.functional as F
from pydantic import PositiveFloat
from torch import Tensor

from zoo_plugins.similarity import same_class, text_of_all, word_similarity
from zoo_registry.contracts import ImageFeatures, JointEmbedding, Loss, Round, Text
from zoo_registry.errors import ZooError


class Contrastive(Loss):
    """Finds each image's caption and each caption's image in the batch, by the discriminator's own features.

    The discriminator learns it from real pairs, with generated images among the wrong ones: without them the
    generator finds patterns that match a caption and look like nothing.

    temperature: what the cosines are divided by before the softmax.
    gamma1: how sharply a word attends to regions (AttnGAN, arXiv:1711.10485, equation 8).
    gamma2: how sharply words vote (its equation 10).

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
        return {
            f"contrastive/{name}": (self._found(fake) + self._found(fake.T)) / 2
            for name, fake in self._logits(round, round.fake_features).items()
        }

    def discriminator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The terms of real images; among those that a caption is compared with are the generated ones."""
        real, fake = (self._logits(round, f) for f in (round.real_features, round.fake_features))
        return {
            f"contrastive/{name}": (
                self._found(real[name]) + self._found(torch.cat([real[name], fake[name]]).T)
            )
            / 2
            for name in real
        }

    def _logits(self, round: Round, features: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """How well each image shows each caption [T,T]; -inf for other captions of an image's class."""
        if not isinstance(round.discriminator, JointEmbedding):
            raise ZooError("losses: 'contrastive' needs a discriminator with `match`, as 'contrastive' has")
        image, text = round.discriminator.match(features, round.text)
        image = ImageFeatures(image.vector.float(), cast("Tensor", image.regions).float())
        text = Text(text.sentence.float(), cast("Tensor", text.words).float(), text.mask)
        text = text_of_all(round, text)
        similarities = {
            "sentence": F.normalize(image.vector) @ F.normalize(text.sentence).T,
            "words": word_similarity(text, image, *self.gammas) / self.gammas[1],
        }
        logits = {name: round.of_all(each) / self.temperature for name, each in similarities.items()}
        if round.labels is not None:
            classmates = same_class(round.of_all(round.labels))
            logits = {name: each.masked_fill(classmates, float("-inf")) for name, each in logits.items()}
        return logits

    @staticmethod
    def _found(logits: Tensor) -> Tensor:
        """-log of the posterior that row i finds column i: [T,...] to a scalar."""
        return F.cross_entropy(logits, torch.arange(len(logits), device=logits.device))
