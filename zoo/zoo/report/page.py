"""The report of a run: one HTML file that needs nothing else, neither network nor server."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo_registry import ZooError, catalogue
from zoo_registry.contracts import Better

from ..files.run import Environment, Run
from ..imaging.grids import LEAST
from . import results
from .embed import attention, sample_frames
from .log import Log, panels
from .markup import write_page


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

    @property
    def tables(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The recipe's parts, losses, augmentations and the training's settings, by what they are."""
        tables = [(kind, table) for kind, table in self.recipe.items() if isinstance(table, dict)]
        lists = [("loss", loss) for loss in self.recipe.get("losses", [])]
        lists += [("augmentation", table) for table in self.recipe.get("augmentations", [])]
        train = [(kind, {"use": "", **table}) for kind, table in tables if kind == "train"]
        return [*((kind, table) for kind, table in tables if kind != "train"), *lists, *train]


@dataclass(frozen=True)
class Samples:
    """A run's sample grids."""

    captions: list[str]
    images: int  # of each caption
    resolution: int
    seed: int
    frames: list[dict[str, Any]]

    @property
    def width(self) -> int:
        """Of a row, in the pixels of its images and the gaps between them."""
        gap = max(1, round(self.resolution / 64))
        return self.images * (self.resolution + gap) - gap

    @property
    def shown_width(self) -> int:
        """Of a row, as it is shown: enlarged where its images are small."""
        return self.width * math.ceil(LEAST / self.resolution)

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
    found, figures, unreadable = None, [], None
    try:
        found = results.results_of(run)
        figures = results.figures(run, found) if found else []
    except ZooError as error:
        if strict:
            raise
        unreadable = str(error)
    samples = read_samples(run)
    better = found.better if found else {}
    environment = stages[-1].environment
    number = re.fullmatch(r"arXiv:(\d{4}\.\d{4,5})", recipe.get("paper", ""))
    write_page(
        run.report,
        "run.html",
        recipe["name"],
        {
            "samples": [samples.for_script(stages[-1].steps)] if samples else [],
            "stages": [stage.panels(better) for stage in stages],
            "compared": False,
        },
        recipe=recipe,
        arxiv=number[1] if number else None,
        running=running,
        stages=stages,
        samples=samples,
        to_come="generator" in recipe and run.done() is None,
        film=run.film.name if run.film.is_file() else None,
        found=found,
        figures=figures,
        unreadable=unreadable,
        attention=attention(run.attention),
        environment=environment
        and environment.model_dump(
            mode="json", exclude_none=True, exclude={"recipe", "changes", "rollbacks"}
        ),
    )
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
