"""Kernel inception distance (arXiv:1801.01401, section 4)."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge
from pydantic import PositiveInt

from zoo_registry.contracts import ExtractorChoice, Measured, Metric, Score, Study
from zoo_registry.errors import ZooError

from .scores import features_of, interval


class KID(Metric):
    """Squared maximum mean discrepancy of generated and real features, kernel (x·y / F + 1)³; may be below 0.

    The mean over subsets sampled by the protocol's seed. It has no bias: it does not fall with more images.
    By torch-fidelity, in float64. The interval is the jackknife's, from the subsets' deviation (Shao and Wu
    1989): subsets overlap, so that their deviation alone would understate it.

    features: the extractor whose features are compared.
    subsets: how many are sampled. subset_size: images of a subset, as many generated as real ones.

    Raises `ZooError` where there are fewer generated or real images than a subset holds.
    """

    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def __init__(
        self,
        *,
        features: ExtractorChoice = "inception",
        subsets: PositiveInt = 100,
        subset_size: Annotated[int, Ge(2)] = 1000,
    ) -> None:
        self.extractor, self.subsets, self.size = features, subsets, subset_size

    def check(self, study: Study, /) -> None:
        """Require as many images of either kind as a subset holds."""
        which, fewest = _fewest(study)
        if fewest < self.size:
            raise ZooError(
                f"kid: subset_size={self.size} is more than the {fewest} {which} images; "
                f"subset_size={fewest} is the maximum"
            )
        study.require("real")

    def measure(self, study: Study, /) -> Measured:
        """The score "kid"."""
        from torch_fidelity import metric_kid

        generated, real = (
            features_of(study, which, self.extractor, "kid") for which in ("generated", "real")
        )
        found = metric_kid.kid_features_to_metric(
            generated,
            real,
            kid_subsets=self.subsets,
            kid_subset_size=self.size,
            rng_seed=study.protocol.seed,
            verbose=False,
        )
        value = found[metric_kid.KEY_METRIC_KID_MEAN]
        bounds = None
        _, fewest = _fewest(study)
        if self.size < fewest:
            spread = found[metric_kid.KEY_METRIC_KID_STD]
            error = spread * math.sqrt(self.size / (fewest - self.size))
            bounds = interval(value, error, self.subsets - 1)
        return Measured({"kid": Score(value, len(generated), bounds)})


def _fewest(study: Study) -> tuple[str, int]:
    """Which images are fewer, generated or real ones, and how many they are."""
    counts = {"generated": len(study.captions), "real": len(study.of_split())}
    return min(counts.items(), key=lambda pair: pair[1])
