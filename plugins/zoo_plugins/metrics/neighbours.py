"""Nearest training images, so that memorising shows (Meehan et al., arXiv:2004.05675).

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

from zoo_registry.contracts import Better, ExtractorChoice, Measured, Metric, Score, Study
from zoo_registry.errors import ZooError

from .scores import features_of, interval

_NEAREST = 3
_ROWS = 512  # images compared with all training images at once
_GAP, _LEAST = 4, 64  # pixels between images; they are enlarged to at least this


class Neighbours(Metric):
    """How far generated images are from the training images, for how far unseen real images are from them.

    Mean distance of the generated images to their nearest training image, over that of the split's real
    images. 0: copies. 1: as far as unseen real images, which is the best. Above 1: further than any image of
    the data tends to be, as grey or noise is. So neither higher nor lower is better. The paper compares the
    same two sets of distances by a rank test. The image "neighbours" shows in each row a generated image and
    its three nearest training images; those generated images that are nearest to one come first.

    features: the extractor, whose Euclidean distance is taken.
    rows: how many rows the image has.

    Raises `ZooError` for fewer than three training images, and where the split's images are the training
    images.
    """

    better: ClassVar[Better] = None

    def __init__(self, *, features: ExtractorChoice = "inception", rows: PositiveInt = 12) -> None:
        self.extractor, self.rows = features, rows

    def check(self, study: Study, /) -> None:
        """Require real images of the split and of the training split."""
        study.require("real", "train")

    def measure(self, study: Study, /) -> Measured:
        """The score "neighbours", and the image "neighbours"."""
        generated, real, train = (
            features_of(study, which, self.extractor, "neighbours")
            for which in ("generated", "real", "train")
        )
        if len(train) < _NEAREST:
            raise ZooError(f"neighbours: {len(train)} training images are too few; {_NEAREST} are the least")
        distances, nearest = _nearest(generated, train)
        unseen, _ = _nearest(real, train)
        ours, theirs = distances[:, 0], unseen[:, 0]
        if theirs.mean() == 0:
            raise ZooError(
                f"neighbours: all images of the split {study.protocol.split!r} are training images, so "
                "that they do not show how far unseen ones are; expected a split of other images"
            )
        value = (ours.mean() / theirs.mean()).item()
        # the error of a quotient of two means, to first order
        parts = [sample.var(correction=0) / len(sample) / theirs.mean() ** 2 for sample in (ours, theirs)]
        error = math.sqrt((parts[0] + value**2 * parts[1]).item())
        rows = ours.argsort(stable=True)[: self.rows].tolist()
        image = _image(study, rows, nearest[rows].tolist())
        bounds = interval(value, error, min(len(ours), len(theirs)) - 1)
        return Measured({"neighbours": Score(value, len(ours), bounds, real=1.0)}, {"neighbours": image})


def _nearest(some: Tensor, train: Tensor) -> tuple[Tensor, Tensor]:
    """Distances and numbers of the nearest training images [n,3], nearest first."""
    numbers = torch.cat(
        [torch.cdist(rows, train).topk(_NEAREST, largest=False).indices for rows in some.split(_ROWS)]
    )
    # once more from the differences: cdist goes by products, by which equal rows are a little apart
    exact = torch.stack([(some - train[column]).norm(dim=1) for column in numbers.T], dim=1)
    order = exact.argsort(dim=1, stable=True)
    return exact.gather(1, order), numbers.gather(1, order)


def _image(study: Study, generated: list[int], nearest: list[list[int]]) -> Image.Image:
    """Rows of a generated image, a gap, and its nearest training images."""
    ours = _taken(study, "generated", generated)
    theirs = _taken(study, "train", {number for row in nearest for number in row})
    width = next(iter(ours.values())).width
    step = width + _GAP
    sheet = Image.new("RGB", (step * (1 + _NEAREST) + _GAP, step * len(generated) - _GAP), "white")
    for row, (number, neighbours) in enumerate(zip(generated, nearest, strict=True)):
        sheet.paste(ours[number], (0, row * step))
        for column, neighbour in enumerate(neighbours, start=1):
            sheet.paste(theirs[neighbour], (column * step + 2 * _GAP, row * step))
    return sheet


def _taken(
    study: Study, which: Literal["generated", "train"], numbers: Collection[int]
) -> dict[int, Image.Image]:
    """Some images by their number; small ones enlarged by whole pixels."""
    found: dict[int, Image.Image] = {}
    begin = 0
    for batch in study.batches(which):
        for number in numbers:
            if begin <= number < begin + len(batch):
                levels = ((batch[number - begin].cpu().clamp(-1, 1) + 1) * 127.5).round().byte()
                image = Image.fromarray(levels.permute(1, 2, 0).numpy())
                scale = math.ceil(_LEAST / image.width)
                found[number] = image.resize(
                    (image.width * scale, image.height * scale), Image.Resampling.NEAREST
                )
        begin += len(batch)
        if len(found) == len(set(numbers)):
            break
    return found
