"""What `zoo eval` measured on a run, as tables.

Two numbers stand in one column only where the protocol's identity, which tells all that was changed about it,
and the data are the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from zoo_registry import ZooError
from zoo_registry.contracts import Better, Score

from ..files.results import Result, Results, Source, read_results
from ..files.run import Run
from .embed import embedded_file
from .markup import colour, decimals, settings, swatch

_ARROWS: dict[Better, str] = {
    "higher": "↑ higher is better",
    "lower": "↓ lower is better",
    None: "as real images is best",
}
_KEY = (
    '<p class="note key"><span><i class="dot"></i>value, with its 95 % interval</span>'
    '<span><i class="guess"></i>chance</span><span><i class="truth"></i>real images</span></p>'
)


def results_of(run: Run) -> Results | None:
    """A run's results, None where there are none. Raises `ZooError` where they cannot be read."""
    return read_results(run.results) if run.results.is_file() else None


# ----------------------------------------------------------------------------------------------------------
# One run


def section(run: Run, found: Results | None) -> str:
    """The results of a run and their images; empty where nothing was measured.

    Raises `ZooError` where an image that they name cannot be read.
    """
    if found is None or not found.results:
        return ""
    heads = "".join(
        f'<th scope="col"{kind}>{name}</th>'
        for name, kind in (
            ("Score", ""),
            ("Value", ' class="figure"'),
            ("95 % interval", ' class="figure"'),
            ("", ' class="scale"'),
            ("Count", ' class="figure"'),
            ("Chance", ' class="figure"'),
            ("Real", ' class="figure"'),
        )
    )
    return (
        f'<section id="results"><h2>Results <small>of {escape(found.model)}, weights '
        f"{escape(found.weights)}</small></h2>"
        f'<table class="scores"><thead><tr>{heads}</tr></thead>{"".join(map(_rows, found.results))}</table>'
        f"{_KEY if any(result.scaled for result in found.results) else ''}"
        f"{''.join(_images(run, result) for result in found.results)}</section>"
    )


def unreadable(error: ZooError) -> str:
    """The section in place of results that cannot be read."""
    return f'<section id="results"><h2>Results</h2><p class="empty">{escape(str(error))}</p></section>'


def _rows(result: Result) -> str:
    """A protocol's heading, and a row a score."""
    scores = result.scores
    places = decimals(score.value for score in scores.values())
    high = _high(result, scores.values())
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="figure value">{_figure(score.value, places)}</td>'
        f'<td class="figure soft">{_interval(score, places)}</td>'
        f'<td class="scale">{_track([(score, "var(--accent)")], high) if result.scaled else ""}</td>'
        f'<td class="figure soft" data-label="count">{score.count:,}</td>'
        f'<td class="figure soft" data-label="chance">{_figure(score.chance, places)}</td>'
        f'<td class="figure soft" data-label="real">{_figure(score.real, places)}</td></tr>'
        for name, score in scores.items()
    )
    return (
        f'<tbody><tr class="protocol"><th scope="rowgroup" colspan="7"><b>{escape(result.identity)}</b> '
        f"<small>{_ARROWS[result.better]} · on {escape(result.data.source)}</small>"
        f"{_definition(result, 'Definition')}</th></tr>{rows}</tbody>"
    )


def _definition(result: Result, title: str) -> str:
    made = {"seconds": result.seconds and round(result.seconds, 1), **result.made_with}
    return (
        f"<details><summary>{title}</summary>"
        f"<p>{settings({'metric': result.metric, **result.definition})}</p>"
        f"<p>{settings(result.data.model_dump())}</p>"
        f'<p class="soft">{settings({key: value for key, value in made.items() if value is not None})}</p>'
        "</details>"
    )


def _images(run: Run, result: Result) -> str:
    figures = []
    for name, file in result.images.items():
        if Path(file).name != file:
            raise ZooError(
                f"{run.results}: image {file!r} of {result.identity} is no name of a file beside it"
            )
        source, width = embedded_file(run.folder / file)
        title = escape(name.replace("_", " "))
        figures.append(
            f"<h3>{title[:1].upper() + title[1:]} <small>{escape(result.identity)}</small></h3>"
            f'<div class="sheet" tabindex="0"><img style="min-width:min(36rem,{width}px)" '
            f'alt="{title}" src="{source}"></div>'
        )
    return "".join(figures)


# ----------------------------------------------------------------------------------------------------------
# Several runs


def comparison(names: Sequence[str], found: Sequence[Results | None]) -> str:
    """A table of a row per run and a column a protocol; empty where nothing was measured.

    Of a protocol whose scores have a mean it is the mean, and all of them stand in a table of their own;
    otherwise each score has a column. What most runs share comes first.
    """
    measured: dict[tuple[str, Source], dict[int, Result]] = {}
    for run, results in enumerate(found):
        for result in results.results if results is not None else ():
            measured.setdefault((result.identity, result.data), {})[run] = result
    groups = sorted(measured.values(), key=len, reverse=True)
    if not groups:
        return ""
    tops, subs, tables, definitions = "", "", "", ""
    rows = [f'<th scope="row">{swatch(run)}{escape(name)}</th>' for run, name in enumerate(names)]
    for of_run in groups:
        result = next(iter(of_run.values()))
        columns = _columns(of_run)
        if "mean" in columns:
            tables += _whole(names, of_run, columns)
            columns = {"mean": columns["mean"]}
        name, bracket, changed = escape(result.identity).partition("[")
        tops += (
            f'<th scope="colgroup" colspan="{len(columns)}"><b>{name}<wbr>{bracket}{changed}</b>'
            f"<small>{_ARROWS[result.better]}<br>on {escape(result.data.source)}</small></th>"
        )
        for place, (score, column) in enumerate(columns.items()):
            first = ' class="first"' if place == 0 else ""
            subs += f'<th scope="col"{first}>{escape(score)}</th>'
            for run, cell in enumerate(_cells(len(names), result, column)):
                rows[run] += f"<td{first}>{cell}</td>"
        definitions += _definition(
            result, f"{escape(result.identity)} <small>on {escape(result.data.source)}</small>"
        )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"""<section id="results"><h2>Results</h2>
<div class="scroll" tabindex="0"><table class="matrix"><thead>
<tr><th rowspan="2" scope="col">Run</th>{tops}</tr><tr>{subs}</tr></thead><tbody>{body}</tbody></table></div>
<p class="note">A column holds one protocol on one data set; the best of a column is bold. Below a number
stands its 95 % interval.</p>
{tables}<h3>Definitions</h3>{definitions}</section>"""


def _columns(of_run: Mapping[int, Result]) -> dict[str, dict[int, Score]]:
    """Of each score the runs that have it."""
    columns: dict[str, dict[int, Score]] = {}
    for run, result in of_run.items():
        for name, score in result.scores.items():
            columns.setdefault(name, {})[run] = score
    return columns


def _best(result: Result, column: Mapping[int, Score]) -> set[int]:
    """The runs with the best value, where several have been measured and they differ."""
    values = {run: score.value for run, score in column.items() if math.isfinite(score.value)}
    if result.better is None or len(set(values.values())) < 2:
        return set()
    top = max(values.values()) if result.better == "higher" else min(values.values())
    return {run for run, value in values.items() if value == top}


def _cells(runs: int, result: Result, column: Mapping[int, Score]) -> list[str]:
    """A score of each run, with its interval."""
    places = decimals(score.value for score in column.values())
    best = _best(result, column)
    cells = ["–"] * runs
    for run, score in column.items():
        value = _figure(score.value, places)
        interval = f"<small>{_interval(score, places)}</small>" if score.interval is not None else ""
        cells[run] = (f"<b>{value}</b>" if run in best else value) + interval
    return cells


def _whole(
    names: Sequence[str], of_run: Mapping[int, Result], columns: Mapping[str, Mapping[int, Score]]
) -> str:
    """All scores of a protocol: a row each with a dot a run, and the numbers."""
    result = next(iter(of_run.values()))
    high = _high(result, [score for column in columns.values() for score in column.values()])
    heads = "".join(f'<th scope="col">{swatch(run)}{escape(names[run])}</th>' for run in of_run)
    rows = ""
    for name, column in columns.items():
        cells = _cells(len(names), result, column)
        rows += (
            f'<tr><th scope="row">{escape(name)}</th><td class="scale">'
            f"{_track([(score, colour(run)) for run, score in column.items()], high)}</td>"
            f"{''.join(f'<td>{cells[run]}</td>' for run in of_run)}</tr>"
        )
    ends = f"from 0 to {_figure(high, 0 if high == 1 else decimals([high]))}"
    return (
        f"<h3>{escape(result.identity)} <small>on {escape(result.data.source)} · {_ARROWS[result.better]} · "
        f'{ends}</small></h3><div class="scroll" tabindex="0"><table class="matrix dots"><thead><tr>'
        f'<th scope="col">Score</th><th class="scale"></th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        '<p class="note key"><span><i class="guess"></i>chance</span>'
        '<span><i class="truth"></i>real images</span></p>'
    )


# ----------------------------------------------------------------------------------------------------------
# Numbers


def _figure(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:,.{places}f}"


def _interval(score: Score, places: int) -> str:
    return "" if score.interval is None else " … ".join(_figure(end, places) for end in score.interval)


def _high(result: Result, scores: Iterable[Score]) -> float:
    """Where the scale ends that begins at 0: at 1 for shares of what is right."""
    ends = [
        end for s in scores for end in (s.value, s.chance, s.real, *(s.interval or ())) if end is not None
    ]
    high = max((end for end in ends if math.isfinite(end)), default=1.0)
    return 1.0 if result.better == "higher" and high <= 1 else 1.05 * high or 1.0


def _track(points: Sequence[tuple[Score, str]], high: float) -> str:
    """A line with a dot a score in its colour, its interval, and marks for chance and for real images."""

    def left(value: float) -> str:
        return f"{min(1.0, max(0.0, value / high)):.2%}"

    marks = ""
    for kind in ("chance", "real"):
        for value in {getattr(score, kind) for score, _ in points} - {None}:
            if math.isfinite(value):
                marks += (
                    f'<i class="{"guess" if kind == "chance" else "truth"}" style="left:{left(value)}"></i>'
                )
    for score, ink in points:
        if not math.isfinite(score.value):
            continue
        if score.interval is not None and all(map(math.isfinite, score.interval)):
            low, top = (min(1.0, max(0.0, end / high)) for end in score.interval)
            marks += f'<i class="band" style="left:{low:.2%};width:{top - low:.2%};background:{ink}"></i>'
        marks += f'<i class="dot" style="left:{left(score.value)};background:{ink}"></i>'
    return f'<span class="track" aria-hidden="true">{marks}</span>'
