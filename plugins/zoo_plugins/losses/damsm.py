"""Deep attentional multimodal similarity model: AttnGAN (arXiv:1711.10485), section 3.2, equations 7 to 13.

Letters as in zoo_registry.contracts; images and captions of a batch are paired with each other, so there are two
batches: B images and T captions, T = B.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat, PositiveFloat
from torch import Tensor
from zoo_registry.contracts import ImageFeatures, Loss, Round, Text


class DAMSM(Loss):
    """Finds each image among the batch's by its caption and each caption by its image, by words and by sentence.

    Terms: "damsm/words0" and "damsm/sentence0" (the caption of an image), "damsm/words1" and "damsm/sentence1" (the
    image of a caption). Where the round has labels, other pairs of the same class are left out: they are no mismatch.

    gammas: sharpness of a word's attention to the regions (1), of the words' vote (2), of the matching (3).
    """

    def __init__(
        self,
        *,
        weight: NonNegativeFloat = 1.0,
        gammas: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = (4.0, 5.0, 10.0),
    ) -> None:
        self.weight = weight
        self.gammas = gammas

    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The four terms, from `round.text` and `round.image_features`."""
        text, features = round.text, round.image_features
        gamma1, gamma2, gamma3 = self.gammas
        words = word_similarity(text, features, gamma1, gamma2)
        sentences = F.normalize(features.vector, eps=1e-8) @ F.normalize(text.sentence, eps=1e-8).T  # [B,T]
        terms = {}
        for name, similarity in (("words", words), ("sentence", sentences)):
            logits = gamma3 * similarity
            if round.labels is not None:
                logits = logits.masked_fill(_same_class(round.labels), float("-inf"))
            terms[f"damsm/{name}0"] = _matching(logits)
            terms[f"damsm/{name}1"] = _matching(logits.T)
        return terms


# Equation 11 and 12: -log of the posterior that row i matches column i
def _matching(logits: Tensor) -> Tensor:
    return F.cross_entropy(logits, torch.arange(len(logits), device=logits.device))


def _same_class(labels: Tensor) -> Tensor:
    """[B,B], True for different pictures of one class."""
    return (labels[:, None] == labels).fill_diagonal_(False)


# Equation 10: R(Q, D) = log sum_i exp(gamma2 cos(c_i, e_i)); the authors' code, as ours, goes without its root of gamma2
def word_similarity(text: Text, features: ImageFeatures, gamma1: float, gamma2: float) -> Tensor:
    """How well each image shows each caption, by its words: [B,T].

    All pairs at once, without a tensor of [B,T,N,D]: the largest are [B,T,L,N] and [B,T,L,D].
    """
    assert text.words is not None
    assert text.mask is not None
    assert features.regions is not None
    captions, length = text.mask.shape
    attention = _attention(text.words.flatten(0, 1), text.mask, features.regions, gamma1)  # [B,T*L,N]
    # Equation 9: the region-context of a word, c_i = sum_j alpha_j v_j
    context = attention @ features.regions  # [B,T*L,N] @ [B,N,D] -> [B,T*L,D]
    cosine = F.cosine_similarity(context, text.words.flatten(0, 1), dim=2, eps=1e-8)  # [B,T*L]
    votes = (gamma2 * cosine.view(-1, captions, length)).masked_fill(~text.mask, float("-inf"))  # [B,T,L]
    return votes.logsumexp(dim=2)


def attention_maps(text: Text, features: ImageFeatures, gamma1: float) -> Tensor:
    """Where each word of a caption looks in its own image: [B,L,h,w], summing to 1 over (h, w); zero where padded."""
    assert text.words is not None
    assert text.mask is not None
    assert features.regions is not None
    assert features.grid is not None
    maps = [
        _attention(words, mask[None], regions[None], gamma1)[0] * mask[:, None]  # [L,N]
        for words, mask, regions in zip(text.words, text.mask, features.regions, strict=True)
    ]
    return torch.stack(maps).unflatten(2, features.grid)


# Equations 7 to 9: s = e^T v; softmax of s over a caption's words; alpha = softmax of gamma1 times that over the regions
def _attention(words: Tensor, mask: Tensor, regions: Tensor, gamma1: float) -> Tensor:
    """Words [T*L,D] of captions with `mask` [T,L] and regions [B,N,D] to alpha [B,T*L,N]."""
    scores = words @ regions.transpose(1, 2)  # [T*L,D] @ [B,D,N] -> [B,T*L,N]
    scores = scores.unflatten(1, mask.shape).masked_fill(~mask[:, :, None], float("-inf"))  # [B,T,L,N]
    return (gamma1 * scores.softmax(dim=2)).softmax(dim=3).flatten(1, 2)
