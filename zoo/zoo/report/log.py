"""A run's log.jsonl as curves, few enough points that a page can hold them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_POINTS = 1500
"""Most points a curve: about what a wide screen can tell apart."""


@dataclass(frozen=True)
class Log:
    """What a run wrote down as it went, by step."""

    terms: Mapping[int, Mapping[str, float]]
    metrics: Mapping[int, Mapping[str, float]]
    step: int  # the last that was written, 0 before the first
    seconds: float | None
    images_per_second: float | None


def read_log(path: Path) -> Log:
    """Read a log.jsonl; none is an empty one. A line that a killed run left unfinished is passed over."""
    terms: dict[int, Mapping[str, float]] = {}
    metrics: dict[int, Mapping[str, float]] = {}
    seconds = speed = None
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if not isinstance(entry, dict):  # the first digits of an unfinished line can be JSON too
            continue
        step = entry["step"]
        if "terms" in entry:
            terms[step] = entry["terms"]
            seconds, speed = entry["seconds"], entry["images_per_second"]
        if "metrics" in entry:
            metrics[step] = entry["metrics"]
    return Log(
        terms=dict(sorted(terms.items())),
        metrics=dict(sorted(metrics.items())),
        step=max([0, *terms, *metrics]),
        seconds=seconds,
        images_per_second=speed,
    )


def panels(log: Log, learner: str) -> list[dict[str, Any]]:
    """The log as panels of curves for the page; panels without a curve are left out.

    Terms are called SIDE/NAME; those without a side belong to the `learner` (the encoders, in the task
    `match`).
    """
    sides: dict[str, dict[int, dict[str, float]]] = {learner: {}, "discriminator": {}}
    for step, values in log.terms.items():
        for name, value in values.items():
            side, _, rest = name.partition("/")
            side, rest = (side, rest) if rest and side in ("generator", "discriminator") else (learner, name)
            sides.setdefault(side, {}).setdefault(step, {})[rest] = value
    drawn = [(f"{side.capitalize()} terms", curves) for side, curves in sides.items()]
    return [_panel(title, curves) for title, curves in [*drawn, ("Metrics", log.metrics)] if curves]


def _panel(title: str, lines: Mapping[int, Mapping[str, float]]) -> dict[str, Any]:
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
            {"name": name, "values": [_mean([lines[s][name] for s in b if name in lines[s]]) for b in bins]}
            for name in names
        ],
    }


def _mean(values: list[float]) -> float | None:
    """To five digits; None, a gap in the curve, where nothing was logged or a value is not finite."""
    mean = math.fsum(values) / len(values) if values else math.nan
    return float(f"{mean:.5g}") if math.isfinite(mean) else None
