"""Deep attentional multimodal similarity model: AttnGAN (arXiv:1711.10485), section 3.2, equations 7 to 13.

Letters as in zoo_registry.contracts; every image meets every caption, so T counts the captions, those of all
processes (T = B where one trains alone).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from pydantic import PositiveFloat
from torch import Tensor

from zoo_plugins.similarity import EPS, same_class, text_of_all, word_similarity
from zoo_registry.contracts import Loss, Round


class DAMSM(Loss):
    """Finds each image's caption and each caption's image among the batch, by words and by sentence.

    gammas: how sharply a word attends to regions, how sharply words vote, how sharply pairs are
    distinguished.

    Terms: "damsm/words0" and "damsm/sentence0" for captions of an image, "damsm/words1" and "damsm/sentence1"
    for images of a caption. Where the round has labels, other pairs of one class are left out.
    """

    def __init__(
        self,
        *,
        gammas: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = (4.0, 5.0, 10.0),
    ) -> None:
        self.gammas = gammas

    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The four terms, from `round.text` and `round.image_features`."""
        text, features = text_of_all(round, round.text), round.image_features
        gamma1, gamma2, gamma3 = self.gammas
        words = word_similarity(text, features, gamma1, gamma2)  # [B,T]
        sentences = F.normalize(features.vector, eps=EPS) @ F.normalize(text.sentence, eps=EPS).T  # [B,T]
        terms = {}
        for name, similarity in (("words", words), ("sentence", sentences)):
            logits = gamma3 * round.of_all(similarity)  # [T,T]
            if round.labels is not None:
                logits = logits.masked_fill(same_class(round.of_all(round.labels)), float("-inf"))
            terms[f"damsm/{name}0"] = _mismatch(logits)
            terms[f"damsm/{name}1"] = _mismatch(logits.T)
        return terms


# Equations 11 and 12: -log of the posterior that row i matches column i
def _mismatch(logits: Tensor) -> Tensor:
    return F.cross_entropy(logits, torch.arange(len(logits), device=logits.device))
