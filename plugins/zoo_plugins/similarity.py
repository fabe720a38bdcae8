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

    All pairs at once; the largest tensors are [B,T*L,N] and, where an image has more regions than they have
    channels, [B,T*L,D].
    """
    assert text.words is not None
    assert text.mask is not None
    assert features.regions is not None
    words = text.words.flatten(0, 1)  # [T,L,D] -> [T*L,D]
    scores = _scores(words, features.regions)
    attention = _attention(scores, text.mask, gamma1)
    # Equation 9: a word's region-context c_i = sum_j alpha_j v_j, so that e_i^T c_i = sum_j alpha_j e_i^T v_j
    product = (attention * scores).sum(2)
    lengths = _context_lengths(attention, features.regions) * torch.linalg.vector_norm(words, dim=1)
    votes = gamma2 * (product / lengths.clamp(min=EPS)).view(-1, *text.mask.shape)  # [B,T,L]
    return votes.masked_fill(~text.mask, float("-inf")).logsumexp(dim=2)


def attention_maps(text: Text, features: ImageFeatures, gamma1: float) -> Tensor:
    """Where each word of a caption looks in its image: [B,L,h,w], 1 in sum over (h, w), zero where padded."""
    assert text.words is not None
    assert text.mask is not None
    assert features.regions is not None
    assert features.grid is not None
    maps = [
        _attention(_scores(words, regions[None]), mask[None], gamma1)[0] * mask[:, None]  # [L,N]
        for words, mask, regions in zip(text.words, text.mask, features.regions, strict=True)
    ]
    return torch.stack(maps).view(*text.mask.shape, *features.grid)  # [B,L,N] -> [B,L,h,w]


# Equation 7: s = e^T v
def _scores(words: Tensor, regions: Tensor) -> Tensor:
    return words @ regions.transpose(1, 2)  # [T*L,D] @ [B,D,N] -> [B,T*L,N]


# Equations 8 and 9: s' the softmax of s over a caption's words, alpha that of gamma1 s' over N
def _attention(scores: Tensor, mask: Tensor, gamma1: float) -> Tensor:
    """Scores [B,T*L,N] of the words of captions with a mask [T,L] to alpha [B,T*L,N]."""
    by_caption = scores.view(len(scores), *mask.shape, -1)  # [B,T,L,N]
    shares = by_caption.masked_fill(~mask[:, :, None], float("-inf")).softmax(dim=2)
    return (gamma1 * shares).softmax(dim=3).view_as(scores)


# |c|^2 = alpha^T (v v^T) alpha needs no contexts, which are the larger where regions are fewer than channels
def _context_lengths(attention: Tensor, regions: Tensor) -> Tensor:
    """Of c_i = sum_j alpha_j v_j: [B,T*L]."""
    if regions.shape[1] >= regions.shape[2]:
        return torch.linalg.vector_norm(attention @ regions, dim=2)
    with torch.autocast(regions.device.type, enabled=False):  # sums of products that cancel
        products = regions.float() @ regions.float().transpose(1, 2)  # [B,N,N]
        squares = ((attention.float() @ products) * attention).sum(2)
    return squares.clamp(min=EPS**2).sqrt()
