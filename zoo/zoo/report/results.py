"""What `zoo eval` measured on runs, for the templates of tables.

Two numbers stand in one column only where the protocol's identity, which tells all that was changed about it,
and the data are the same.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from zoo_registry import ZooError
from zoo_registry.contracts import Better, Score

from ..files.results import Result, Results, Source, read_results
from ..files.run import Run
from .embed import embedded_file

_ARROWS: dict[Better, str] = {
    "higher": "↑ higher is better",
    "lower": "↓ lower is better",
    None: "as real images is best",
}
_COLOURS = 8
"""Run colours in report.css; the ninth run has the first one's, and dashed curves."""


class Figure(NamedTuple):
    """An image of a result, embedded."""

    title: str
    identity: str
    source: str
    width: int


class Mark(NamedTuple):
    """A mark on a score's line, in shares of its length."""

    kind: str
    left: float
    width: float | None = None
    ink: str = ""


@dataclass(frozen=True)
class Group:
    """The results of runs that stand in the same columns."""

    runs: Mapping[int, Result]

    @property
    def result(self) -> Result:
        """One of them, for what all have in common."""
        return next(iter(self.runs.values()))

    @property
    def columns(self) -> dict[str, dict[int, Score]]:
        """Of each score the runs that have it."""
        columns: dict[str, dict[int, Score]] = {}
        for run, result in self.runs.items():
            for name, score in result.scores.items():
                columns.setdefault(name, {})[run] = score
        return columns

    @property
    def shown(self) -> dict[str, dict[int, Score]]:
        """The columns beside other protocols: the mean, where there is one."""
        columns = self.columns
        return {"mean": columns["mean"]} if "mean" in columns else columns

    @property
    def end(self) -> float:
        """Where the scale of all its scores ends."""
        return scale_end(
            self.result, [score for column in self.columns.values() for score in column.values()]
        )

    def points(self, column: Mapping[int, Score]) -> list[tuple[Score, str]]:
        """A column's scores in the colours of their runs."""
        return [(score, colour(run)) for run, score in column.items()]


def results_of(run: Run) -> Results | None:
    """A run's results, None where there are none. Raises `ZooError` where they cannot be read."""
    return read_results(run.results) if run.results.is_file() else None


def figures(run: Run, found: Results) -> list[Figure]:
    """The images that a run's results name. Raises `ZooError` where one cannot be read."""
    embedded = []
    for result in found.results:
        for name, file in result.images.items():
            if Path(file).name != file:
                raise ZooError(
                    f"{run.results}: image {file!r} of {result.identity} is no name of a file beside it"
                )
            source, width = embedded_file(run.folder / file)
            embedded.append(Figure(name.replace("_", " "), result.identity, source, width))
    return embedded


def grouped(found: Sequence[Results | None]) -> list[Group]:
    """The results of several runs by protocol and data; what most runs share comes first."""
    measured: dict[tuple[str, Source], dict[int, Result]] = {}
    for run, results in enumerate(found):
        for result in results.results if results is not None else ():
            measured.setdefault((result.identity, result.data), {})[run] = result
    return [Group(runs) for runs in sorted(measured.values(), key=len, reverse=True)]


def colour(run: int) -> str:
    """A run's colour, as CSS."""
    return f"var(--c{run % _COLOURS})"


def scale_end(result: Result, scores: Iterable[Score]) -> float:
    """Where the scale ends that begins at 0: at 1 for shares of what is right."""
    ends = [
        end for s in scores for end in (s.value, s.chance, s.real, *(s.interval or ())) if end is not None
    ]
    high = max((end for end in ends if math.isfinite(end)), default=1.0)
    return 1.0 if result.better == "higher" and high <= 1 else 1.05 * high or 1.0


def _places(values: Iterable[float]) -> int:
    """Places after the point that numbers to be compared are written with: shares get three."""
    peak = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if peak == 0:
        return 3
    return max(0, (2 if peak < 1 else 3) - math.floor(math.log10(peak)))


def _decimals(scores: Iterable[Score]) -> int:
    return _places(score.value for score in scores)


def _end_text(end: float) -> str:
    return _figure(end, 0 if end == 1 else _places([end]))


def _figure(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:,.{places}f}"


def _interval(score: Score, places: int) -> str:
    return "" if score.interval is None else " … ".join(_figure(end, places) for end in score.interval)


def _best(result: Result, column: Mapping[int, Score]) -> set[int]:
    """The runs with the best value, where several have been measured and they differ."""
    values = {run: score.value for run, score in column.items() if math.isfinite(score.value)}
    if result.better is None or len(set(values.values())) < 2:
        return set()
    top = max(values.values()) if result.better == "higher" else min(values.values())
    return {run for run, value in values.items() if value == top}


def _made(result: Result) -> dict[str, Any]:
    """With what a result was made, as far as it is known."""
    made = {"seconds": result.seconds and round(result.seconds, 1), **result.made_with}
    return {key: value for key, value in made.items() if value is not None}


def _marks(points: Collection[tuple[Score, str]], end: float) -> Iterator[Mark]:
    """Chance and real images once each, and a dot a score in its colour with its interval."""

    def left(value: float) -> float:
        return min(1.0, max(0.0, value / end))

    for kind, values in (
        ("guess", {score.chance for score, _ in points}),
        ("truth", {score.real for score, _ in points}),
    ):
        yield from (Mark(kind, left(value)) for value in values if value is not None and math.isfinite(value))
    for score, ink in points:
        if not math.isfinite(score.value):
            continue
        if score.interval is not None and all(map(math.isfinite, score.interval)):
            low, top = map(left, score.interval)
            yield Mark("band", low, top - low, ink)
        yield Mark("dot", left(score.value), None, ink)


IN_TEMPLATES: dict[str, Any] = {
    "arrows": _ARROWS,
    "best": _best,
    "decimals": _decimals,
    "end_text": _end_text,
    "figure": _figure,
    "interval": _interval,
    "made": _made,
    "marks": _marks,
    "scale_end": scale_end,
}
"""What templates call."""
