"""Nearest training pictures, so that memorising shows (Meehan et al., arXiv:2004.05675).

They are shown in rows as ProGAN (arXiv:1710.10196) shows them, by distance in a network's features.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import ClassVar, Literal

import torch
from PIL import Image
from pydantic import PositiveInt
from torch import Tensor

from zoo_registry.errors import ZooError
from zoo_registry.evaluation import Measured, Metric, Score, Study

from .scores import features_of, interval

_NEAREST = 3
_ROWS = 512  # pictures compared with all training pictures at once
_GAP, _LEAST = 4, 64  # pixels between pictures; the least side at which they are shown


class Neighbours(Metric):
    """How far drawings are from the training pictures, for how far unseen real pictures are from them.

    Mean distance of the drawn pictures to their nearest training picture, over that of the split's real
    pictures. 0: copies. 1: as far as unseen pictures. Above 1: further than any picture of the data tends to
    be, as pictures of no worth are. The paper compares the same two sets of distances by a rank
    test. The picture "neighbours" shows in each row a drawn picture and its three nearest training pictures;
    those drawings that are nearest to one come first.

    features: the extractor, whose Euclidean distance is taken.
    shown: how many rows the picture has.

    Raises `ZooError` for fewer than three training pictures, and where the split's pictures are the training
    pictures.
    """

    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def __init__(self, *, features: str = "inception", shown: PositiveInt = 12) -> None:
        self.extractor, self.shown = features, shown

    def measure(self, study: Study, /) -> Measured:
        """The score "neighbours", and the picture "neighbours"."""
        drawn, real, train = (
            features_of(study, which, self.extractor, "neighbours") for which in ("drawn", "real", "train")
        )
        if len(train) < _NEAREST:
            raise ZooError(
                f"neighbours: {len(train)} training pictures are too few; {_NEAREST} are the least"
            )
        distances, nearest = _nearest(drawn, train)
        unseen, _ = _nearest(real, train)
        ours, theirs = distances[:, 0], unseen[:, 0]
        if theirs.mean() == 0:
            raise ZooError(
                f"neighbours: all pictures of the split {study.protocol.split!r} are training pictures, so "
                "that they do not show how far unseen ones are; a split of other pictures is wanted"
            )
        value = (ours.mean() / theirs.mean()).item()
        # the error of a quotient of two means, to first order
        parts = [side.var(correction=0) / len(side) / theirs.mean() ** 2 for side in (ours, theirs)]
        error = math.sqrt((parts[0] + value**2 * parts[1]).item())
        rows = ours.argsort(stable=True)[: self.shown].tolist()
        picture = _picture(study, rows, nearest[rows].tolist())
        bounds = interval(value, error, min(len(ours), len(theirs)) - 1)
        return Measured({"neighbours": Score(value, len(ours), bounds)}, {"neighbours": picture})


def _nearest(some: Tensor, train: Tensor) -> tuple[Tensor, Tensor]:
    """Distances and numbers of the nearest training pictures [n,3], nearest first."""
    numbers = torch.cat(
        [torch.cdist(rows, train).topk(_NEAREST, largest=False).indices for rows in some.split(_ROWS)]
    )
    # once more from the differences: cdist goes by products, by which equal rows are a little apart
    exact = torch.stack([(some - train[column]).norm(dim=1) for column in numbers.T], dim=1)
    order = exact.argsort(dim=1, stable=True)
    return exact.gather(1, order), numbers.gather(1, order)


def _picture(study: Study, drawn: list[int], nearest: list[list[int]]) -> Image.Image:
    """Rows of a drawn picture, a gap, and its nearest training pictures."""
    ours = _taken(study, "drawn", drawn)
    theirs = _taken(study, "train", {number for row in nearest for number in row})
    side = next(iter(ours.values())).width
    step = side + _GAP
    sheet = Image.new("RGB", (step * (1 + _NEAREST) + _GAP, step * len(drawn) - _GAP), "white")
    for row, (number, neighbours) in enumerate(zip(drawn, nearest, strict=True)):
        sheet.paste(ours[number], (0, row * step))
        for column, neighbour in enumerate(neighbours, start=1):
            sheet.paste(theirs[neighbour], (column * step + 2 * _GAP, row * step))
    return sheet


def _taken(
    study: Study, which: Literal["drawn", "train"], numbers: Collection[int]
) -> dict[int, Image.Image]:
    """Some pictures by their number; small ones enlarged by whole pixels."""
    found: dict[int, Image.Image] = {}
    begin = 0
    for batch in study.batches(which):
        for number in numbers:
            if begin <= number < begin + len(batch):
                levels = ((batch[number - begin].cpu().clamp(-1, 1) + 1) * 127.5).round().byte()
                picture = Image.fromarray(levels.permute(1, 2, 0).numpy())
                scale = math.ceil(_LEAST / picture.width)
                found[number] = picture.resize(
                    (picture.width * scale, picture.height * scale), Image.Resampling.NEAREST
                )
        begin += len(batch)
        if len(found) == len(set(numbers)):
            break
    return found
