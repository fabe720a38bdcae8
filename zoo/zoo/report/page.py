"""The report of a run: one HTML file that needs nothing else, neither network nor server."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from zoo_registry import ZooError, catalogue

from ..imaging.grids import LEAST
from . import results
from .embed import attention, sample_frames
from .log import Log, panels, read_log
from .markup import duration, number, settings, text, write_page


@dataclass(frozen=True)
class Stage:
    """One recipe of a run: the run itself, or what it trained first."""

    folder: Path
    recipe: Mapping[str, Any]
    environment: Mapping[str, Any]
    log: Log

    def panels(self, better: Mapping[str, str]) -> list[dict[str, Any]]:
        """Its curves. better: of protocols, which values are the better ones."""
        return panels(self.log, self.better | dict(better))

    @property
    def better(self) -> dict[str, str]:
        """Of what its task measures, which values are the better ones."""
        return dict(self.environment.get("better", {}))

    @property
    def title(self) -> str:
        """What it does, for a person; the task's name, where its plugin is not installed."""
        name = str(self.recipe["task"])
        return next((task.summary for task in catalogue().of("task") if task.name == name), name)

    @property
    def steps(self) -> int | None:
        """Of the whole training; None before its data is known."""
        steps: int | None = self.environment.get("data", {}).get("steps")
        return steps


@dataclass(frozen=True)
class Samples:
    """A run's sample grids."""

    captions: list[str]
    images: int  # of each caption
    resolution: int
    seed: int
    frames: list[dict[str, Any]]

    @property
    def size(self) -> str:
        """Of a canvas with a row of the grid: HTML attributes."""
        return f'width="{self.width}" height="{self.resolution}"'

    @property
    def width(self) -> int:
        """Of a row, in the pixels of its images and the gaps between them."""
        gap = max(1, round(self.resolution / 64))
        return self.images * (self.resolution + gap) - gap

    def for_script(self, steps: int | None) -> dict[str, Any]:
        """What the slider goes through. steps: of the whole training, where it is known."""
        last = self.frames[-1]["step"]
        return {
            "images": self.images,
            "resolution": self.resolution,
            "steps": max(last, steps or 0),
            "frames": self.frames,
        }


def write_report(run: Path, *, strict: bool = False) -> Path:
    """Write RUN/report.html from what the run has written so far; returns its path.

    strict: raise `ZooError` for results that cannot be read; otherwise the page says so, as a training that
    writes its report must go on. Raises `ZooError` for a folder that is no run.
    """
    stages, folder = [read_stage(run)], run / "pretrain"
    while (folder / "recipe.json").is_file():
        stages.insert(0, read_stage(folder))
        folder = folder / "pretrain"
    recipe = stages[-1].recipe
    running = next((stage for stage in reversed(stages) if stage.log.step), stages[-1])
    samples = read_samples(run)
    found = None
    try:
        found = results.read_results(run)
        measured = results.section(run, found)
    except ZooError as error:
        if strict:
            raise
        measured = results.unreadable(error)
    to_come = "generator" in recipe and not (run / "done.json").is_file()
    curves = [stage.panels(found.better if found else {}) for stage in stages]
    main = (
        _samples(samples, run) if samples else (_NO_SAMPLES if to_come else ""),
        measured,
        _attention(run / "samples" / "attention.png"),
        *(_curves(index, stage, curves[index]) for index, stage in enumerate(stages)),
        "<section><h2>Recipe</h2>",
        *(_recipe(stage.recipe, titled=len(stages) > 1) for stage in reversed(stages)),
        "</section><section><h2>Environment</h2>",
        _environment(stages[-1].environment),
        "</section>",
    )
    data = {
        "samples": [samples.for_script(stages[-1].steps)] if samples else [],
        "stages": curves,
        "compared": False,
    }
    report = run / "report.html"
    write_page(report, recipe["name"], _header(recipe, running), "".join(main), data)
    return report


def read_stage(run: Path) -> Stage:
    """A run without what it trained first. Raises `ZooError` for a folder that is none."""
    path = run / "recipe.json"
    if not path.is_file():
        found = "there is no such folder"
        if run.is_dir():
            found = f"it holds: {', '.join(sorted(p.name for p in run.iterdir())[:8]) or 'nothing'}"
        raise ZooError(
            f"{run} is no run: expected a folder with recipe.json, as zoo train writes it; {found}"
        )
    recipe = _read(path)
    if not isinstance(recipe, dict) or not {"name", "task", "train"} <= recipe.keys():
        raise ZooError(f"{path} is no locked recipe: expected a table with name, task and train")
    return Stage(run, recipe, _read(run / "environment.json") or {}, read_log(run / "log.jsonl"))


def read_samples(run: Path, sharing: int = 1) -> Samples | None:
    """A run's sample grids, None before the first. sharing: how many runs stand on the page."""
    folder = run / "samples"
    grid = _read(folder / "grid.json")
    if grid is None:
        return None
    captions, images, resolution, seed = (grid[key] for key in ("captions", "images", "resolution", "seed"))
    frames = sample_frames(folder, rows=len(captions), columns=images, resolution=resolution, sharing=sharing)
    return Samples(captions, images, resolution, seed, frames) if frames else None


def _read(path: Path) -> Any:
    """The JSON data of a file, None where there is none."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ZooError(f"{path} cannot be read as JSON: {error}") from None


# ----------------------------------------------------------------------------------------------------------
# Sections

FILM = "timelapse.mp4"
PLAYER = """<div class="player"><button type="button" id="play">Play</button>
<input type="range" id="step" min="0" step="1" aria-label="Training step">
<output for="step"></output></div>"""
_NO_SAMPLES = '<section><h2>Samples</h2><p class="empty">None yet.</p></section>'


def _header(recipe: Mapping[str, Any], running: Stage) -> str:
    """The run's name, and how far the stage has come that is under way."""
    log, total = running.log, running.steps
    facts = [f"step <b>{log.step:,}</b> of {total:,}" if total else f"step <b>{log.step:,}</b>"]
    if running.recipe is not recipe:
        facts.insert(0, f"first stage, {escape(running.recipe['name'])}")
    if log.images_per_second is not None and log.seconds is not None:
        facts += [f"<b>{number(log.images_per_second)}</b> images/s", f"<b>{duration(log.seconds)}</b>"]
    share = min(1.0, log.step / total) if total else 0.0
    return (
        f'<p class="kind">{escape(running.title)}{_paper(recipe)}</p><h1>{escape(recipe["name"])}</h1>'
        f'<p class="state">{" · ".join(facts) if log.step else "nothing logged yet"}</p>'
        f'<div class="progress"><i style="width:{share:.2%}"></i></div>'
    )


def _paper(recipe: Mapping[str, Any]) -> str:
    paper = recipe.get("paper", "")
    number = re.fullmatch(r"arXiv:(\d{4}\.\d{4,5})", paper)
    if number:
        return f' · <a href="https://arxiv.org/abs/{number[1]}">{paper}</a>'
    return f" · {escape(paper)}" if paper else ""


def _samples(samples: Samples, run: Path) -> str:
    resolution = samples.resolution
    film = f' As a film: <a href="{FILM}">{FILM}</a>.' if (run / FILM).is_file() else ""
    rows = "".join(
        f'<div class="row"><p>{caption}</p><canvas data-run="0" data-row="{row}" {samples.size} role="img" '
        f'aria-label="{caption}"></canvas></div>'
        for row, caption in enumerate(map(escape, samples.captions))
    )
    return f"""<section id="samples"><h2>Samples</h2>{PLAYER}
<div class="rows" style="--shown:{samples.width * math.ceil(LEAST / resolution)}px">{rows}</div>
<p class="note">Each caption with the same {samples.images} noise vectors throughout (seed {samples.seed}),
{resolution} × {resolution} pixels. The arrow keys go through the training.{film}</p></section>"""


def _attention(path: Path) -> str:
    figure = attention(path)
    if figure is None:
        return ""
    alt = "The most attended words of each stage, their maps over the image"
    return f"""<section><h2>Attention</h2>
<div class="sheet" tabindex="0"><img style="min-width:36rem" alt="{alt}" src="{figure}"></div>
<p class="note">Each stage’s most attended words, with the share of the image that attends to them.
The maps of a row have one scale.</p></section>"""


def _curves(index: int, stage: Stage, panels: list[dict[str, Any]]) -> str:
    if panels:
        body = f'<div class="panels" data-stage="{index}"></div>'
        pace = max(panel["averaged"] for panel in panels)
        mean = f" Each point is the mean of {pace} lines of the log." if pace > 1 else ""
        body += (
            f'<p class="note">Drag to zoom, double-click for all; click a name to hide its curve.{mean}</p>'
        )
    else:
        body = '<p class="empty">Nothing logged yet.</p>'
    name = escape(stage.recipe["name"])
    return f"<section><h2>{escape(stage.title)} <small>{name}</small></h2>{body}</section>"


def _recipe(recipe: Mapping[str, Any], *, titled: bool) -> str:
    """A recipe as a table: a row per part, a row per loss, and the training's settings."""
    heading = f"<h3>{escape(recipe['name'])}</h3>" if titled else ""
    parts = [(kind, table) for kind, table in recipe.items() if isinstance(table, dict) and kind != "train"]
    lists = [("loss", loss) for loss in recipe.get("losses", [])]
    lists += [("augmentation", augmentation) for augmentation in recipe.get("augmentations", [])]
    rows = "".join(
        f'<tr><th scope="row">{escape(kind.replace("_", " "))}</th><td>{escape(table.get("use", ""))}</td>'
        f"<td>{settings(table)}</td></tr>"
        for kind, table in [*parts, *lists, ("train", recipe["train"])]
    )
    return f'{heading}<table class="facts recipe"><tbody>{rows}</tbody></table>'


def _environment(environment: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(key.replace("_", " "))}</th>'
        f"<td>{settings(value) if isinstance(value, dict) else escape(text(value))}</td></tr>"
        for key, value in environment.items()
    )
    return (
        f'<table class="facts"><tbody>{rows}</tbody></table>'
        if rows
        else '<p class="empty">Not written yet.</p>'
    )
