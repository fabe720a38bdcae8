"""How well images show captions, by their words: AttnGAN (arXiv:1711.10485), section 3.2, equations 7 to 10.

Letters as in zoo_registry.contracts; every image meets every caption, so T counts the captions (T = B).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo_registry.contracts import ImageFeatures, Round, Text

EPS = 1e-8  # the shortest vector that a cosine is taken of at its length


def same_class(labels: Tensor) -> Tensor:
    """[B,T], True for different pairs of one class."""
    return (labels[:, None] == labels).fill_diagonal_(False)


def text_of_all(round: Round, text: Text) -> Text:
    """The sentences and words of the captions of all processes, words padded to the longest caption."""
    if round.gather is None:
        return text
    sentence = round.of_all(text.sentence)
    if text.words is None or text.mask is None:
        return Text(sentence)
    lengths = round.of_all(torch.tensor([text.words.shape[1]], device=text.words.device))
    missing = int(lengths.max()) - text.words.shape[1]
    words = round.of_all(F.pad(text.words, (0, 0, 0, missing)))
    return Text(sentence, words, round.of_all(F.pad(text.mask, (0, missing)).byte()).bool())


# Equation 10: R(Q, D) = log sum_i exp(gamma2 cos(c_i, e_i)); like the authors' code, without 1 / gamma2
def word_similarity(text: Text, features: ImageFeatures, gamma1: float, gamma2: float) -> Tensor:
    """How well each image shows each caption, by its words: [B,T].

    All pairs at once; the largest tensors are [B,T*L,N] and [B,T*L,D].
    """
    assert text.words is not None
    assert text.mask is not None
    assert features.regions is not None
    words = text.words.flatten(0, 1)  # [T,L,D] -> [T*L,D]
    attention = _attention(words, text.mask, features.regions, gamma1)
    # Equation 9: a word's region-context c_i = sum_j alpha_j v_j
    context = attention @ features.regions  # [B,T*L,N] @ [B,N,D] -> [B,T*L,D]
    length = torch.linalg.vector_norm(context, dim=2).clamp(min=EPS)
    cosine = (context * F.normalize(words, eps=EPS)).sum(2) / length  # [B,T*L]
    votes = gamma2 * cosine.view(-1, *text.mask.shape)  # [B,T,L]
    return votes.masked_fill(~text.mask, float("-inf")).logsumexp(dim=2)


def attention_maps(text: Text, features: ImageFeatures, gamma1: float) -> Tensor:
    """Where each word of a caption looks in its image: [B,L,h,w], 1 in sum over (h, w), zero where padded."""
    assert text.words is not None
    assert text.mask is not None
    assert features.regions is not None
    assert features.grid is not None
    maps = [
        _attention(words, mask[None], regions[None], gamma1)[0] * mask[:, None]  # [L,N]
        for words, mask, regions in zip(text.words, text.mask, features.regions, strict=True)
    ]
    return torch.stack(maps).view(*text.mask.shape, *features.grid)  # [B,L,N] -> [B,L,h,w]


# Equations 7 to 9: s = e^T v, s' its softmax over a caption's words, alpha = softmax of gamma1 s' over N
def _attention(words: Tensor, mask: Tensor, regions: Tensor, gamma1: float) -> Tensor:
    """Words [T*L,D] of captions with a mask [T,L], and regions [B,N,D], to alpha [B,T*L,N]."""
    scores = words @ regions.transpose(1, 2)  # [T*L,D] @ [B,D,N] -> [B,T*L,N]
    by_caption = scores.view(len(regions), *mask.shape, -1)  # [B,T,L,N]
    shares = by_caption.masked_fill(~mask[:, :, None], float("-inf")).softmax(dim=2)
    return (gamma1 * shares).softmax(dim=3).view_as(scores)
