"""Several runs side by side, on one page that needs nothing else."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from zoo_registry import ZooError
from zoo_registry.contracts import Better

from ..files.run import Run
from . import results
from .log import Logged, overlaid
from .markup import text, write_page
from .page import Samples, Stage, read_samples, read_stage


class Compared(NamedTuple):
    """A run on the page."""

    name: str
    stage: Stage
    samples: Samples | None
    report: str | None  # links, as seen from the page
    film: str | None


class Cell(NamedTuple):
    """A run's images of a caption."""

    order: int  # of the run among those with samples
    run: int
    grid: Samples
    row: int


class Block(NamedTuple):
    """Images that stand beside each other."""

    caption: str | None  # None: each cell has one of its own
    cells: list[Cell]


class Difference(NamedTuple):
    """A part that not all runs have, or a setting, with a value of each run."""

    kind: str
    key: str  # "" for a part
    cells: list[Any]


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
    better: dict[str, Better] = {name: way for stage in stages for name, way in stage.better.items()}
    better |= {name: way for found in measured if found is not None for name, way in found.better.items()}
    logs = [
        Logged(name, stage.log, stage.source or "none") for name, stage in zip(names, stages, strict=True)
    ]

    def link(path: Path, there: bool) -> str | None:
        if not there:
            return None
        return quote(Path(os.path.relpath(path.resolve(), out.parent.resolve())).as_posix())

    compared = [
        Compared(
            name,
            stage,
            grid,
            link(stage.run.report, stage.run.report.is_file()),
            link(stage.run.film, grid is not None and stage.run.film.is_file()),
        )
        for name, stage, grid in zip(names, stages, samples, strict=True)
    ]
    write_page(
        out,
        "comparison.html",
        " · ".join(names),
        {
            "samples": [run.samples.for_script(run.stage.steps) for run in compared if run.samples],
            "stages": [overlaid(logs, better)],
            "compared": True,
        },
        runs=compared,
        names=names,
        blocks=_blocks([(run, grid) for run, grid in enumerate(samples) if grid is not None]),
        groups=results.grouped(measured),
        differences=_differences(stages),
    )
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


def _blocks(grids: Sequence[tuple[int, Samples]]) -> list[Block]:
    """One block per caption with a cell per run: captions that several runs have, then those of one only."""
    places = [_captions(grid.captions) for _, grid in grids]
    holders = Counter(caption for place in places for caption in place)

    def cells(rows: Iterable[int | None]) -> list[Cell]:
        return [Cell(order, *grids[order], row) for order, row in enumerate(rows) if row is not None]

    blocks = [
        Block(caption[0], cells(place.get(caption) for place in places))
        for caption, count in holders.items()
        if count > 1
    ]
    alone = [[row for caption, row in place.items() if holders[caption] == 1] for place in places]
    turns = list(map(cells, zip_longest(*alone)))  # of the runs with captions of their own, one caption each
    if sum(map(bool, alone)) == 1:
        turns = [[turn for (turn,) in turns]]
    return blocks + [Block(None, turn) for turn in turns]


def _captions(captions: Iterable[str]) -> dict[tuple[str, int], int]:
    """Of each caption, and of which time it occurs, the row."""
    rows: dict[tuple[str, int], int] = {}
    counts: Counter[str] = Counter()
    for row, caption in enumerate(captions):
        rows[caption, counts[caption]] = row
        counts[caption] += 1
    return rows


def _differences(stages: Sequence[Stage]) -> list[Difference]:
    """A part that not all runs have with its settings; else each setting that differs."""
    tables = [_tables(stage) for stage in stages]
    rows = []
    for kind in dict.fromkeys(kind for table in tables for kind in table):
        held = [table.get(kind) for table in tables]
        if len({None if one is None else one.get("use") for one in held}) > 1:
            rows.append(Difference(kind, "", [_distinct(one, held) for one in held]))
            continue
        there = [one for one in held if one is not None]
        for key in dict.fromkeys(key for one in there for key in one):
            values = ["–" if key not in one else text(one[key]) for one in there]
            if len(set(values)) > 1:
                rows.append(Difference(kind, key, values))
    return rows


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


def _distinct(
    table: Mapping[str, Any] | None, held: Sequence[Mapping[str, Any] | None]
) -> Mapping[str, Any] | str:
    """A part and its settings, but for those that are the same in every run."""
    if table is None:
        return "–"
    return {"use": ""} | {
        key: value
        for key, value in table.items()
        if key == "use" or any(other is None or key not in other or other[key] != value for other in held)
    }
