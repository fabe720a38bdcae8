"""Retrieval of generated images by their captions: recall at K (arXiv:1412.2306, section 4.1)."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor

from zoo_registry.contracts import ExtractorChoice, Measured, Metric, Score, Study
from zoo_registry.errors import ZooError

from .scores import TIE, finite, of_share, with_text

_ROWS = 512  # captions compared with all images at once


class Retrieval(Metric):
    """Share of captions whose image is among the K nearest of all generated images, by cosine.

    A tie is a miss. Images of the same caption do not compete.

    matcher: an extractor that reads captions: "own", the encoders that the generator was trained with, or
        the folder of a matching model.
    k: each K that is reported.

    Raises `ZooError` for a pipeline without text, and where no more images are generated than the largest K.
    """

    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def __init__(self, *, matcher: ExtractorChoice = "own", k: tuple[PositiveInt, ...] = (1, 5, 10)) -> None:
        self.matcher, self.k = matcher, k

    def check(self, study: Study, /) -> None:
        """Require text, and more images than the largest K."""
        with_text(study, "retrieval")
        count = len(study.captions)
        if count <= max(self.k):
            raise ZooError(f"retrieval: k={max(self.k)} of {count} images says nothing; expected more images")

    def measure(self, study: Study, /) -> Measured:
        """The scores "r@1", "r@5", …"""
        count = len(study.captions)
        numbers: dict[str, int] = {}
        own = torch.tensor([numbers.setdefault(text, len(numbers)) for text in study.captions])  # [n]
        images, captions = study.matched(self.matcher, list(numbers))
        images = F.normalize(finite(images, "retrieval", "generated images"), dim=1)
        captions = F.normalize(finite(captions, "retrieval", "captions"), dim=1)
        ranks: list[Tensor] = []
        for rows in torch.arange(count).split(_ROWS):
            cosines = captions[own[rows]] @ images.T  # [rows,n]
            right = cosines.gather(1, rows[:, None])
            ranks.append(((cosines >= right - TIE) & (own[rows, None] != own)).sum(1))  # from 0
        rank = torch.cat(ranks)
        scores = {}
        for k in self.k:
            share = (rank < k).double().mean().item()
            scores[f"r@{k}"] = Score(share, count, of_share(share, count), chance=k / count)
        return Measured(scores)
