"""A run's log as curves, few enough points that a page can hold them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from zoo_registry.contracts import Better

from ..files.run import Line

_POINTS = 1500
"""Most points a curve: about what a wide screen can tell apart."""


@dataclass(frozen=True)
class Log:
    """What a run wrote down as it went, by step."""

    terms: Mapping[int, Mapping[str, float]]
    metrics: Mapping[int, Mapping[str, float | None]]
    step: int  # the last that was written, 0 before the first
    seconds: float | None
    images_per_second: float | None

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Log:
        """The log that these lines are."""
        terms: dict[int, Mapping[str, float]] = {}
        metrics: dict[int, Mapping[str, float | None]] = {}
        seconds = speed = None
        for line in lines:
            if line.terms is not None:
                terms[line.step] = line.terms
                seconds, speed = line.seconds, line.images_per_second
            if line.metrics is not None:
                metrics[line.step] = line.metrics
        return cls(
            terms=dict(sorted(terms.items())),
            metrics=dict(sorted(metrics.items())),
            step=max([0, *terms, *metrics]),
            seconds=seconds,
            images_per_second=speed,
        )


def panels(log: Log, better: Mapping[str, Better]) -> list[dict[str, Any]]:
    """The log as panels of curves for the page; panels without a curve are left out.

    Terms are called PHASE/NAME, metrics MEASURE/SCORE, or MEASURE: a panel per phase and per measure.
    better: of measures, "higher", "lower" or None, neither.
    """
    phases: dict[str, dict[int, dict[str, float]]] = {}
    for step, values in log.terms.items():
        for name, value in values.items():
            phase, _, rest = name.partition("/")
            phases.setdefault(phase, {}).setdefault(step, {})[rest] = value
    panels = [
        _panel(f"{phase.replace('_', ' ').capitalize()} terms", curves) for phase, curves in phases.items()
    ]
    measures: dict[tuple[str, bool], dict[int, dict[str, float | None]]] = {}
    shares = _shares(log.metrics)
    for step, scores in log.metrics.items():
        for name, number in scores.items():
            measure, score = _measure(name)
            # A share beside a rank or a distance would be a line on the ground.
            measures.setdefault((measure, name in shares), {}).setdefault(step, {})[score or measure] = number
    return panels + [
        _panel(measure, curves) | {"better": better.get(measure)} for (measure, _), curves in measures.items()
    ]


class Logged(NamedTuple):
    """A run of a comparison: its name, its log, and the source of its data."""

    name: str
    log: Log
    data: str


def overlaid(runs: Sequence[Logged], better: Mapping[str, Better]) -> list[dict[str, Any]]:
    """A panel for each term and each metric that several runs have, with a curve a run, by its name.

    Metrics share a panel only where they were measured on the same data.
    """
    terms: dict[tuple[str, str], dict[int, dict[int, dict[str, float | None]]]] = {}
    metrics: dict[tuple[str, str], dict[int, dict[int, dict[str, float | None]]]] = {}
    for run, (_, log, data) in enumerate(runs):
        for found, lines, on in ((terms, log.terms, ""), (metrics, log.metrics, data)):
            for step, values in lines.items():
                for name, value in values.items():
                    found.setdefault((name, on), {}).setdefault(run, {})[step] = {name: value}
    panels = []
    for (name, data), curves in [*terms.items(), *metrics.items()]:
        if len(curves) < 2:
            continue
        alone = {run: _panel(name, lines) for run, lines in curves.items()}
        panels.append(
            {
                "title": name,
                "data": data,
                "averaged": max(panel["averaged"] for panel in alone.values()),
                "better": better.get(_measure(name)[0]) if data else None,
                "series": [
                    {
                        "name": runs[run].name,
                        "run": run,
                        "steps": panel["steps"],
                        "values": panel["series"][0]["values"],
                    }
                    for run, panel in alone.items()
                ],
            }
        )
    return panels


def _measure(name: str) -> tuple[str, str]:
    """What a metric's name says was measured, and which score of it; a protocol's values are part of it."""
    end = name.find("/", name.rfind("]") + 1)
    return (name, "") if end < 0 else (name[:end], name[end + 1 :])


def _shares(lines: Mapping[int, Mapping[str, float | None]]) -> set[str]:
    """The names whose values all lie from 0 to 1."""
    names = {name for values in lines.values() for name in values}
    beyond = {n for values in lines.values() for n, v in values.items() if v is not None and (v < 0 or v > 1)}
    return names - beyond


def _panel(title: str, lines: Mapping[int, Mapping[str, float | None]]) -> dict[str, Any]:
    """Curves over common steps; of a long log each point is the mean of some lines."""
    steps = list(lines)
    pace = math.ceil(len(steps) / _POINTS)
    bins = [steps[at : at + pace] for at in range(0, len(steps), pace)]
    names = dict.fromkeys(name for values in lines.values() for name in values)
    return {
        "title": title,
        "steps": [b[-1] for b in bins],
        "averaged": pace,
        "series": [
            {"name": name, "values": [_mean([lines[s].get(name) for s in b]) for b in bins]} for name in names
        ],
    }


def _mean(logged: Iterable[float | None]) -> float | None:
    """To five digits; None, a gap in the curve, where nothing was logged or a value is not finite."""
    values = [value for value in logged if value is not None]
    mean = math.fsum(values) / len(values) if values else math.nan
    return float(f"{mean:.5g}") if math.isfinite(mean) else None
