"""Several runs side by side, on one page that needs nothing else."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import quote

from zoo_registry import ZooError
from zoo_registry.contracts import Better

from ..files.run import Run
from . import results
from .log import Logged, overlaid
from .markup import duration, number, settings, swatch, text, write_page
from .page import PLAYER, Samples, Stage, read_samples, read_stage


def write_comparison(runs: Sequence[Path], out: Path) -> Path:
    """Write a page that compares runs; returns `out`.

    Compared is what each run trained last: a run's `pretrain` is a run of its own. Raises `ZooError` for
    folders that are no runs, a run given twice, results that cannot be read, and an `out` that cannot be
    written.
    """
    if out.is_dir():
        raise ZooError(f"--out {out}: is a folder; expected the name of a file, as compare.html")
    twice = [run for run, count in Counter(run.resolve() for run in runs).items() if count > 1]
    if twice:
        raise ZooError(f"{twice[0]} is given twice; each run is compared once")
    stages = [read_stage(Run(run)) for run in runs]
    samples = [read_samples(stage.run, sharing=len(runs)) for stage in stages]
    measured = [results.results_of(stage.run) for stage in stages]
    names = _names(runs)
    grids = [(run, grid) for run, grid in enumerate(samples) if grid is not None]
    better: dict[str, Better] = {name: way for stage in stages for name, way in stage.better.items()}
    better |= {name: way for found in measured if found is not None for name, way in found.better.items()}
    logs = [
        Logged(name, stage.log, stage.source or "none") for name, stage in zip(names, stages, strict=True)
    ]
    curves = overlaid(logs, better)
    main = (
        _samples(names, stages, grids, out),
        results.comparison(names, measured),
        _curves(curves),
        _differences(names, stages),
    )
    data = {
        "samples": [grid.for_script(stages[run].steps) for run, grid in grids],
        "stages": [curves],
        "compared": True,
    }
    write_page(out, " · ".join(names), _header(names, stages, samples, out), "".join(main), data)
    return out


def _names(runs: Sequence[Path]) -> list[str]:
    """The shortest ends of the runs' paths that tell them apart."""
    parts = [run.resolve().parts for run in runs]
    names = []
    for path in parts:
        length = 1
        while sum(other[-length:] == path[-length:] for other in parts) > 1:
            length += 1
        names.append("/".join(path[-length:]))
    return names


def _header(
    names: Sequence[str], stages: Sequence[Stage], samples: Sequence[Samples | None], out: Path
) -> str:
    """A row per run: what it trains, and how far it has come."""
    heads = ("Run", "Recipe", "Data", "Resolution", "Step", "Images/s", "Time")
    rows = ""
    for run, (name, stage, grid) in enumerate(zip(names, stages, samples, strict=True)):
        log, total = stage.log, stage.steps
        cells = (
            escape(stage.recipe["name"]),
            escape(stage.source or "none"),
            f"{grid.resolution} px" if grid is not None else "",
            f"<b>{log.step:,}</b> of {total:,}" if total else f"<b>{log.step:,}</b>",
            number(log.images_per_second) if log.images_per_second is not None else "",
            duration(log.seconds) if log.seconds is not None else "",
        )
        label = escape(name)
        if stage.run.report.is_file():
            label = f'<a href="{_link(stage.run.report, out)}">{label}</a>'
        rows += f'<tr><th scope="row">{swatch(run)}{label}</th>' + "".join(
            f'<td data-label="{head}">{cell}</td>' for head, cell in zip(heads[1:], cells, strict=True)
        )
        rows += "</tr>"
    columns = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return (
        f'<p class="kind">Comparison</p><h1>{len(names)} runs</h1>'
        f'<table class="runs"><thead><tr>{columns}</tr>'
        f"</thead><tbody>{rows}</tbody></table>"
    )


def _link(path: Path, out: Path) -> str:
    """A path as seen from the page."""
    return escape(quote(Path(os.path.relpath(path.resolve(), out.parent.resolve())).as_posix()))


# ----------------------------------------------------------------------------------------------------------
# Samples


def _samples(
    names: Sequence[str], stages: Sequence[Stage], grids: Sequence[tuple[int, Samples]], out: Path
) -> str:
    """One block per caption with a row per run: captions that several runs have, then those of one only."""
    missing = [escape(name) for run, name in enumerate(names) if run not in {run for run, _ in grids}]
    none = f" Without samples: {', '.join(missing)}." if missing else ""
    if not grids:
        return f'<section><h2>Samples</h2><p class="empty">{none.strip()}</p></section>'
    places = [_captions(grid.captions) for _, grid in grids]
    holders = Counter(caption for place in places for caption in place)
    blocks = ""
    for caption in [caption for caption, count in holders.items() if count > 1]:
        cells = "".join(
            _cell(order, run, names[run], grid, places[order][caption])
            for order, (run, grid) in enumerate(grids)
            if caption in places[order]
        )
        blocks += (
            f'<div class="block"><p>{_caption_html(caption[0])}</p><div class="cells">{cells}</div></div>'
        )
    alone = [[row for caption, row in place.items() if holders[caption] == 1] for place in places]
    turns: list[list[tuple[int, int]]] = [  # of the runs with captions of their own, one caption each
        [(order, row) for order, row in enumerate(rows) if row is not None] for rows in zip_longest(*alone)
    ]
    if sum(map(bool, alone)) == 1:
        turns = [[turn for (turn,) in turns]]
    for turn in turns:
        cells = "".join(
            _cell(order, grids[order][0], names[grids[order][0]], grids[order][1], row, alone=True)
            for order, row in turn
        )
        blocks += f'<div class="block"><div class="cells">{cells}</div></div>'
    films = ", ".join(
        f'<a href="{_link(film, out)}">{escape(names[run])}</a>'
        for run, _ in grids
        if (film := stages[run].run.film).is_file()
    )
    films = f" Films: {films}." if films else ""
    return f"""<section id="samples"><h2>Samples</h2>{PLAYER}{blocks}
<p class="note">All runs at the same share of their training, each as it last drew by then; a run that has not
come so far stays at its newest. The arrow keys go through the training.{none}{films}</p></section>"""


def _captions(captions: Iterable[str]) -> dict[tuple[str, int], int]:
    """Of each caption, and of which time it occurs, the row."""
    rows: dict[tuple[str, int], int] = {}
    counts: Counter[str] = Counter()
    for row, caption in enumerate(captions):
        rows[caption, counts[caption]] = row
        counts[caption] += 1
    return rows


def _caption_html(caption: str) -> str:
    return escape(caption) if caption else "<i>no caption</i>"


def _cell(order: int, run: int, name: str, grid: Samples, row: int, *, alone: bool = False) -> str:
    """A run's row. order: of the run among those with samples. alone: with its caption."""
    caption = f"<p>{_caption_html(grid.captions[row])}</p>" if alone else ""
    label = f"{escape(name)}: {escape(grid.captions[row])}"
    return (
        f"<figure><figcaption>{swatch(run)}<b>{escape(name)}</b> "
        f'<span data-step="{order}"></span></figcaption>'
        f'<canvas data-run="{order}" data-row="{row}" {grid.size} role="img" aria-label="{label}"></canvas>'
        f"{caption}</figure>"
    )


def _curves(panels: Sequence[Mapping[str, Any]]) -> str:
    if not panels:
        body = '<p class="empty">No term and no metric is in the logs of several of these runs.</p>'
    else:
        pace = max(panel["averaged"] for panel in panels)
        mean = f" Each point is the mean of up to {pace} lines of the log." if pace > 1 else ""
        body = (
            '<div class="panels" data-stage="0"></div><p class="note">What several runs have logged. Drag to '
            f"zoom, double-click for all; click a name to hide its curve.{mean}</p>"
        )
    return f"<section><h2>Curves <small>over training steps</small></h2>{body}</section>"


# ----------------------------------------------------------------------------------------------------------
# What differs between the recipes


def _differences(names: Sequence[str], stages: Sequence[Stage]) -> str:
    """A column per run. A part that not all have is a row with its settings; else each setting is a row."""
    tables = [_tables(stage) for stage in stages]
    rows = []
    for kind in dict.fromkeys(kind for table in tables for kind in table):
        held = [table.get(kind) for table in tables]
        label = escape(kind.replace("_", " "))
        if len({None if one is None else one.get("use") for one in held}) > 1:
            rows.append((label, "", [_whole(one, held) for one in held]))
            continue
        there = [one for one in held if one is not None]
        for key in dict.fromkeys(key for one in there for key in one):
            values = ["–" if key not in one else text(one[key]) for one in there]
            if len(set(values)) > 1:
                rows.append((label, escape(key.replace("_", " ")), [escape(value) for value in values]))
    if not rows:
        return '<section><h2>Recipes</h2><p class="empty">They do not differ.</p></section>'
    heads = "".join(f'<th scope="col">{swatch(run)}{escape(name)}</th>' for run, name in enumerate(names))
    body, before = "", ""
    for label, key, cells in rows:
        title = f"<b>{label}</b> {key}" if label != before or not key else key
        before = label
        body += f'<tr><th scope="row">{title}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    return f"""<section id="recipes"><h2>Recipes <small>what differs</small></h2>
<div class="scroll" tabindex="0"><table class="matrix words">
<thead><tr><th scope="col">Setting</th>{heads}</tr></thead>
<tbody>{body}</tbody></table></div></section>"""


def _tables(stage: Stage) -> dict[str, Mapping[str, Any]]:
    """A run's parts, losses, augmentations, training settings and data, each as a table."""
    recipe = stage.recipe
    whole = {key: value for key, value in recipe.items() if not isinstance(value, dict | list)}
    tables: dict[str, Mapping[str, Any]] = {"recipe": whole}
    tables |= {kind: table for kind, table in recipe.items() if isinstance(table, dict)}
    for kind, key in (("loss", "losses"), ("augmentation", "augmentations")):
        counts: Counter[str] = Counter()
        for table in recipe.get(key, []):
            counts[table["use"]] += 1
            number = f" {counts[table['use']]}" if counts[table["use"]] > 1 else ""
            tables[f"{kind} {table['use']}{number}"] = table
    if stage.environment is None:
        return tables
    shown = {"source", "images", "fingerprint"}
    return tables | {"data": stage.environment.data.model_dump(include=shown, exclude_none=True)}


def _whole(table: Mapping[str, Any] | None, held: Sequence[Mapping[str, Any] | None]) -> str:
    """A part and its settings, but for those that are the same in every run."""
    if table is None:
        return "–"
    differs = {
        key: value
        for key, value in table.items()
        if any(other is None or key not in other or other[key] != value for other in held)
    }
    return f"<b>{escape(table.get('use', ''))}</b> {settings(differs)}"
