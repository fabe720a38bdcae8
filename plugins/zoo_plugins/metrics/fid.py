"""Fréchet inception distance (arXiv:1706.08500, section 4, "Performance Measure")."""

from __future__ import annotations

from typing import ClassVar, Literal

from zoo_registry.contracts import ExtractorChoice, Measured, Metric, Score, Study
from zoo_registry.errors import ZooError

from .scores import features_of


class FID(Metric):
    """Fréchet distance of two Gaussians, of the generated images' features and of the real ones'; from 0 up.

    It is biased: it falls as images are added (arXiv:1801.01401, section 3), so that only numbers of equal
    counts compare. With no more images than features (2,048 of Inception) the Gaussians are not of full
    rank and the bias is large; `kid` has none. By torch-fidelity, in float64.

    features: the extractor. The published numbers are of "inception".

    Raises `ZooError` for fewer than two images of either kind.
    """

    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def __init__(self, *, features: ExtractorChoice = "inception") -> None:
        self.extractor = features

    def check(self, study: Study, /) -> None:
        """Require two images of either kind."""
        study.require("real")
        counts = {"generated": len(study.captions), "real": len(study.of_split())}
        for which, count in counts.items():
            if count < 2:
                raise ZooError(f"fid: {count} {which} images have no covariance; expected thousands")

    def measure(self, study: Study, /) -> Measured:
        """The score "fid"."""
        from torch_fidelity import metric_fid

        statistics = []
        for which in ("generated", "real"):
            features = features_of(study, which, self.extractor, "fid")
            statistics.append(metric_fid.fid_features_to_statistics(features))
        found = metric_fid.fid_statistics_to_metric(statistics[0], statistics[1], False)
        # a distance; what lies below 0 was rounded
        value = max(found[metric_fid.KEY_METRIC_FID], 0.0)
        return Measured({"fid": Score(value, len(study.captions))})
