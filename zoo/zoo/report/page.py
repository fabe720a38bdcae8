"""The report of a run: one HTML file that needs nothing else, neither network nor server."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from zoo_registry import ZooError, catalogue
from zoo_registry.contracts import Better

from ..files.run import Environment, Run
from ..imaging.grids import LEAST
from . import results
from .embed import attention, sample_frames
from .log import Log, panels
from .markup import duration, number, settings, text, write_page


@dataclass(frozen=True)
class Stage:
    """One recipe of a run: the run itself, or what it trained first."""

    run: Run
    recipe: Mapping[str, Any]
    environment: Environment | None
    log: Log

    def panels(self, better: Mapping[str, Better]) -> list[dict[str, Any]]:
        """Its curves. better: of protocols, which values are the better ones."""
        return panels(self.log, self.better | dict(better))

    @property
    def better(self) -> dict[str, Better]:
        """Of what its task measures, which values are the better ones."""
        return {} if self.environment is None else dict(self.environment.better)

    @property
    def title(self) -> str:
        """What it does, for a person; the task's name, where its plugin is not installed."""
        name = str(self.recipe["task"])
        return next((task.summary for task in catalogue().of("task") if task.name == name), name)

    @property
    def steps(self) -> int | None:
        """Of the whole training; None before its data is known."""
        return None if self.environment is None else self.environment.data.steps

    @property
    def source(self) -> str:
        """Of its data, as the user calls it."""
        return "" if self.environment is None else self.environment.data.source


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


def write_report(folder: Path, *, strict: bool = False) -> Path:
    """Write the report of a run from what the run has written so far; returns its path.

    strict: raise `ZooError` for results that cannot be read; otherwise the page says so, as a training that
    writes its report must go on. Raises `ZooError` for a folder that is no run.
    """
    run = Run(folder)
    run.check()
    stages = [read_stage(stage) for stage in run.stages()]
    recipe = stages[-1].recipe
    running = next((stage for stage in reversed(stages) if stage.log.step), stages[-1])
    samples = read_samples(run)
    found = None
    try:
        found = results.results_of(run)
        measured = results.section(run, found)
    except ZooError as error:
        if strict:
            raise
        measured = results.unreadable(error)
    to_come = "generator" in recipe and run.done() is None
    curves = [stage.panels(found.better if found else {}) for stage in stages]
    main = (
        _samples(samples, run) if samples else (_NO_SAMPLES if to_come else ""),
        measured,
        _attention(run.attention),
        *(_curves(index, stage, curves[index]) for index, stage in enumerate(stages)),
        "<section><h2>Recipe</h2>",
        *(_recipe(stage, titled=len(stages) > 1) for stage in reversed(stages)),
        "</section><section><h2>Environment</h2>",
        _environment(stages[-1].environment),
        "</section>",
    )
    data = {
        "samples": [samples.for_script(stages[-1].steps)] if samples else [],
        "stages": curves,
        "compared": False,
    }
    write_page(run.report, recipe["name"], _header(recipe, running), "".join(main), data)
    return run.report


def read_stage(run: Run) -> Stage:
    """A run without what it trained first. Raises `ZooError` for a folder that is none."""
    run.check()
    environment = run.environment() if run.has_environment() else None
    return Stage(run, run.recipe(), environment, Log.of(run.log()))


def read_samples(run: Run, sharing: int = 1) -> Samples | None:
    """A run's sample grids, None before the first. sharing: how many runs stand on the page."""
    grid = run.grid()
    if grid is None:
        return None
    frames = sample_frames(
        run.samples(),
        rows=len(grid.captions),
        columns=grid.images,
        resolution=grid.resolution,
        sharing=sharing,
    )
    return Samples(grid.captions, grid.images, grid.resolution, grid.seed, frames) if frames else None


# ----------------------------------------------------------------------------------------------------------
# Sections

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


def _samples(samples: Samples, run: Run) -> str:
    resolution = samples.resolution
    film = f' As a film: <a href="{run.film.name}">{run.film.name}</a>.' if run.film.is_file() else ""
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
    alt = "Images under the attention to the words of their captions"
    return f"""<section><h2>Attention</h2>
<div class="sheet" tabindex="0"><img style="min-width:36rem" alt="{alt}" src="{figure}"></div>
<p class="note">A row per image, a column per word: those that most of the image attends to, each at the stage
that attends to it most. Over a column stands the scale of its maps, and their resolution.</p></section>"""


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


def _recipe(stage: Stage, *, titled: bool) -> str:
    """A recipe as a table: a row per part, a row per loss, the training's settings, and what was changed."""
    recipe = stage.recipe
    heading = f"<h3>{escape(recipe['name'])}</h3>" if titled else ""
    parts = [(kind, table) for kind, table in recipe.items() if isinstance(table, dict) and kind != "train"]
    lists = [("loss", loss) for loss in recipe.get("losses", [])]
    lists += [("augmentation", augmentation) for augmentation in recipe.get("augmentations", [])]
    rows = "".join(
        f'<tr><th scope="row">{escape(kind.replace("_", " "))}</th><td>{escape(table.get("use", ""))}</td>'
        f"<td>{settings(table)}</td></tr>"
        for kind, table in [*parts, *lists, ("train", recipe["train"])]
    )
    for change in () if stage.environment is None else stage.environment.changes:
        rows += (
            f'<tr><th scope="row">changed</th><td>after step {change.step:,}</td>'
            f"<td>{escape(' '.join(change.set))}</td></tr>"
        )
    for back in () if stage.environment is None else stage.environment.rollbacks:
        rows += (
            f'<tr><th scope="row">rolled back</th><td>to step {back.step:,}</td>'
            f"<td>{escape(back.why)}; half the learning rates from there</td></tr>"
        )
    return f'{heading}<table class="facts recipe"><tbody>{rows}</tbody></table>'


def _environment(environment: Environment | None) -> str:
    if environment is None:
        return '<p class="empty">Not written yet.</p>'
    table = environment.model_dump(mode="json", exclude_none=True, exclude={"recipe", "changes", "rollbacks"})
    rows = "".join(
        f'<tr><th scope="row">{escape(key.replace("_", " "))}</th>'
        f"<td>{settings(value) if isinstance(value, dict) else escape(text(value))}</td></tr>"
        for key, value in table.items()
    )
    return f'<table class="facts"><tbody>{rows}</tbody></table>'
