"""Attribute accuracy: whether generated images show what their captions tell, as a judge reads them.

The idea is semantic object accuracy (arXiv:1910.13321), with attributes in the place of objects and a judge
whose own errors are known.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import ClassVar, Literal

from zoo_registry.contracts import AttributeReader, ExtractorChoice, Measured, Metric, Score, Study
from zoo_registry.errors import ZooError

from .scores import of_share, with_text

MEAN = "mean"


class Attributes(Metric):
    """Share of the generated images in which the judge reads what the caption tells, by attribute.

    An image counts for the attributes that its own caption tells, where the judge knows the value. `chance`
    is what a generator gets that ignores its text but shows every value as often as the split does; `real` is
    the judge's accuracy on real images of the test split. The mean is that of the attributes, each with the
    same weight.

    judge: an extractor that reads attributes.

    Raises `ZooError` for a pipeline without text, for a data set without attributes, and for one that does
    not say which of them its captions tell.
    """

    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def __init__(self, *, judge: ExtractorChoice = "judge") -> None:
        self.judge = judge

    def check(self, study: Study, /) -> None:
        """Require text, and captions of which the data set says what they tell."""
        with_text(study, "attributes")
        if None in study.stated:
            raise ZooError(
                "attributes: the data set does not say what its captions tell; aviary, garden and portraits "
                "do, and the folders that zoo data make writes of them"
            )

    def measure(self, study: Study, /) -> Measured:
        """A score an attribute, and "mean"."""
        judge = study.attribute_reader(self.judge)
        cases: dict[str, list[tuple[str, str]]] = defaultdict(list)  # what was read, what the caption says
        for read, record, mentioned in zip(_read(study, judge), study.records, study.stated, strict=True):
            for name in (mentioned or frozenset()) & read.keys():
                if record.attributes[name] in judge.values[name]:
                    cases[name].append((read[name], record.attributes[name]))
        if not cases:
            raise ZooError("attributes: no caption tells an attribute that the judge reads")
        records = study.of_split()
        scores = {
            name: _score(
                cases[name], Counter(record.attributes[name] for record in records), judge.accuracy[name]
            )
            for name in judge.values
            if name in cases
        }
        return Measured(scores | {MEAN: _mean(list(scores.values()))})


def _read(study: Study, judge: AttributeReader) -> list[dict[str, str]]:
    """Of each generated image the values that the judge reads."""
    found: list[dict[str, str]] = []
    for batch in study.batches("generated"):
        columns = {name: numbers.tolist() for name, numbers in judge.read(batch).items()}
        found += [
            {name: judge.values[name][column[row]] for name, column in columns.items()}
            for row in range(len(batch))
        ]
    return found


def _score(cases: Sequence[tuple[str, str]], values: Counter[str], real: float) -> Score:
    """values: how many images of the split have each."""
    count = len(cases)
    share = sum(read == true for read, true in cases) / count
    chance = sum(values[true] for _, true in cases) / count / values.total()
    return Score(share, count, of_share(share, count), chance=chance, real=real)


def _mean(scores: Sequence[Score]) -> Score:
    """The mean of shares; its interval is theirs joined (MOVER: Zou and Donner 2008)."""
    n = len(scores)
    value = sum(score.value for score in scores) / n
    bounds = [(score.value, *(score.interval or (0.0, 1.0))) for score in scores]
    below = math.sqrt(sum((share - low) ** 2 for share, low, _ in bounds)) / n
    above = math.sqrt(sum((high - share) ** 2 for share, _, high in bounds)) / n
    return Score(
        value,
        sum(score.count for score in scores),
        (value - below, value + above),
        chance=sum(score.chance or 0.0 for score in scores) / n,
        real=sum(score.real or 0.0 for score in scores) / n,
    )
