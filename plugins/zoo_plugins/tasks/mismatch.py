"""Whose sentence a mismatched pair of image and sentence takes.

B batch, M pairs, D text width.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Mismatch = Literal["nearest", "other-class", "permute", "shift", "roll", "shuffle", "retry-once"]


def mismatched(
    strategy: Mismatch, count: int, labels: Tensor | None, source: torch.Generator, sentences: Tensor
) -> tuple[Tensor, Tensor] | None:
    """Pairs [M], [M] of an image and a sentence that is not its own; None for a batch of one.

    nearest: every image with the most similar sentence of the batch, of another class where there is one.
    other-class: every image with a sentence of another class, where the batch has one, else with any other.
    permute: every image with another's. roll: image i with sentence i + 1, the last with the first (DF-GAN).
    shift: the same without the last (AttnGAN). retry-once: every image with any other's sentence, sampled
    once more where that is of its own class (StackGAN++'s bug: the second may be too). shuffle: a permutation
    that may leave images with their own sentence (T2F's bug).
    """
    if count < 2:
        return None
    rows = torch.arange(count)
    if strategy == "nearest":
        return rows, nearest(sentences, labels)
    if strategy == "shift":
        return rows[:-1], rows[1:]
    if strategy == "roll":
        return rows, (rows + 1) % count
    if strategy == "shuffle":
        return rows, torch.randperm(count, generator=source)
    if strategy == "retry-once" and labels is not None:
        first, second = (rows + torch.randint(1, count, (2, count), generator=source)) % count
        return rows, torch.where(labels[first] == labels, second, first)
    if strategy != "other-class" or labels is None:  # a cyclic shift by a random distance has no fixed point
        return rows, (rows + torch.randint(1, count, (), generator=source)) % count
    score = torch.rand(count, count, generator=source)  # the highest is chosen
    score += (labels[:, None] != labels[None, :]).float()
    score[rows, rows] = -1
    return rows, score.argmax(1)


def of_process(pairs: tuple[Tensor, Tensor], process: int, count: int) -> tuple[Tensor, Tensor]:
    """The pairs of the `count` images of a process, counted among its own; sentences among those of all."""
    images, sentences = pairs
    own = images // count == process
    return images[own] - process * count, sentences[own]


def nearest(sentences: Tensor, labels: Tensor | None) -> Tensor:
    """For each of the sentences [B,D] the index [B] of the most similar other one, by centred cosine.

    Of another class, where the batch has one.
    """
    units = F.normalize(sentences.detach().float() - sentences.detach().float().mean(0), dim=1)
    similarity = (units @ units.T).cpu()
    if labels is not None:
        similarity -= 3.0 * (labels[:, None] == labels)
    return similarity.fill_diagonal_(-9.0).argmax(1)
