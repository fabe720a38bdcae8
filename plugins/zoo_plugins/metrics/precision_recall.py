"""Improved precision and recall (arXiv:1904.06991, section 2)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import PositiveInt

from zoo_registry.contracts import ExtractorChoice, Measured, Metric, Score, Study
from zoo_registry.errors import ZooError

from .scores import features_of, of_share

_ROWS = 1000  # distances are computed between so many images at once: 240 MB at 30,000


class PrecisionRecall(Metric):
    """Precision: share of generated images among the real ones. Recall: share of real ones among the
    generated.

    An image is among others where it is no further from one of them than that one's k-th neighbour is. By
    torch-fidelity, in float64. Each interval takes the other images as they are.

    features: the extractor. The paper's own is a VGG-16; with another the numbers differ.
    neighbourhood: k, the neighbour that bounds an image's surroundings.

    Raises `ZooError` where there are no more generated or real images than neighbours.
    """

    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def __init__(self, *, features: ExtractorChoice = "inception", neighbourhood: PositiveInt = 3) -> None:
        self.extractor, self.neighbourhood = features, neighbourhood

    def check(self, study: Study, /) -> None:
        """Require more images of either kind than neighbours."""
        generated, real = len(study.captions), len(study.of_split())
        if min(generated, real) <= self.neighbourhood:
            raise ZooError(
                f"precision-recall: with {generated} generated and {real} real images there is no "
                f"neighbour number {self.neighbourhood}; expected more than {self.neighbourhood} of each"
            )
        study.require("real")

    def measure(self, study: Study, /) -> Measured:
        """The scores "precision" and "recall"."""
        from torch_fidelity import metric_prc

        generated, real = (
            features_of(study, which, self.extractor, "precision-recall") for which in ("generated", "real")
        )
        found = metric_prc.prc_features_to_metric(
            generated,
            real,
            prc_neighborhood=self.neighbourhood,
            prc_batch_size=_ROWS,
            save_cpu_ram=True,
            verbose=False,
        )
        precision, recall = found[metric_prc.KEY_METRIC_PRECISION], found[metric_prc.KEY_METRIC_RECALL]
        return Measured(
            {
                "precision": Score(precision, len(generated), of_share(precision, len(generated))),
                "recall": Score(recall, len(real), of_share(recall, len(real))),
            }
        )
