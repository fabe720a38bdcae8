"""Attention of maps to words: AttnGAN (arXiv:1711.10485), section 3.1.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from torch import Tensor


# Equation 2: s'_ji = h_j^T e'_i,  beta_ji = softmax over words i,  c_j = sum_i beta_ji e'_i
def attended(hidden: Tensor, words: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """What each place [B,K,h,w] takes of words [B,L,K] whose mask is [B,1,L] or [B,Q,L].

    A word-context [B,K,h,w] and the attention [B,L,h,w], softmax over L.
    """
    queries = hidden.permute(0, 2, 3, 1).flatten(1, 2)  # [B,K,h,w] -> [B,Q,K], no copy in channels-last
    scores = queries @ words.transpose(1, 2)  # [B,Q,K] @ [B,K,L] -> [B,Q,L]
    attention = scores.masked_fill(~mask, float("-inf")).softmax(dim=2)
    context = attention @ words  # [B,Q,L] @ [B,L,K] -> [B,Q,K]
    height, width = hidden.shape[2:]
    return _as_map(context, height, width), _as_map(attention, height, width)


def _as_map(values: Tensor, height: int, width: int) -> Tensor:
    """[B,Q,C] to [B,C,h,w], in channels-last without a copy."""
    return values.unflatten(1, (height, width)).permute(0, 3, 1, 2)
