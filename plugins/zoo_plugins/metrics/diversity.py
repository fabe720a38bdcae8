"""How different the images of one caption are (MSGAN, arXiv:1903.05628, section 4.1)."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo_registry.contracts import ExtractorChoice, Measured, Metric, Score, Study
from zoo_registry.errors import ZooError

from .scores import features_of, of_mean


class Diversity(Metric):
    """Mean distance between the features of two images of the same caption; 0 where all are the same.

    The mean over pairs of each caption, then over captions, which the interval is of. Noise that the
    generator ignores shows as 0; so does a truncated one as less. Images of no worth can be diverse.

    features: the extractor. The paper's own is LPIPS; with another the numbers differ.
    distance: between features: "cosine", 1 - cos, or "euclidean".

    Raises `ZooError` for a protocol that generates one image per caption.
    """

    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def __init__(
        self, *, features: ExtractorChoice = "inception", distance: Literal["cosine", "euclidean"] = "cosine"
    ) -> None:
        self.extractor, self.distance = features, _cosine if distance == "cosine" else _euclidean

    def check(self, study: Study, /) -> None:
        """Require two images of one caption."""
        if study.protocol.per_caption < 2:
            raise ZooError(
                f"diversity: protocol {study.protocol.name} generates one image per caption, and pairs of "
                "the same caption are compared; per_caption=10 would do"
            )
        if not _of_one_caption(study):
            raise ZooError("diversity: no two images are generated of the same caption; images is too small")

    def measure(self, study: Study, /) -> Measured:
        """The score "diversity"."""
        features = features_of(study, "generated", self.extractor, "diversity")
        each = torch.stack([self.distance(features[rows]).mean() for rows in _of_one_caption(study)])
        return Measured({"diversity": Score(each.mean().item(), len(features), of_mean(each))})


def _of_one_caption(study: Study) -> list[list[int]]:
    """The numbers of the images of each caption that has several."""
    groups: dict[tuple[str, str], list[int]] = {}
    for place, (record, caption) in enumerate(zip(study.records, study.captions, strict=True)):
        groups.setdefault((record.name, caption), []).append(place)
    return [rows for rows in groups.values() if len(rows) > 1]


def _cosine(features: Tensor) -> Tensor:
    """Of all pairs of rows [n,F]: [n(n-1)/2]. By their difference, which is exact for equal ones."""
    return _euclidean(F.normalize(features, dim=1)).square() / 2


def _euclidean(features: Tensor) -> Tensor:
    return torch.pdist(features)
