"""A run's folder: what lies there, under which names, in which formats. Imports no torch."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from zoo_registry import Recipe, ZooError
from zoo_registry.recipe import apply_change

from .atomic import append, as_json, make_folder, sha256, sweep, sync_appended, write_text
from .formats import read_format, read_table, write_format
from .results import RESULTS


class Data(BaseModel):
    """What a stage is trained on; all but the source is known once its images are decoded."""

    source: str
    images: int | None = None
    steps: int | None = None  # of the whole training
    fingerprint: str | None = None  # of images, captions and classes
    device: str | None = None  # as torch calls it


class Change(BaseModel):
    """Settings that were changed when a run went on."""

    step: int  # after which
    set: list[str]  # as "train.batch_size=8"


class Rollback(BaseModel):
    """A return to a checkpoint after training diverged; from its step on all learning rates are halved."""

    step: int  # of the checkpoint
    why: str


class Environment(BaseModel):
    """environment.json: what a stage is made with and from."""

    python: str
    platform: str
    zoo: str
    libraries: dict[str, str]
    plugins: dict[str, str]
    cpu_threads: int
    cuda: list[str]
    data: Data
    better: dict[str, Literal["higher", "lower"]] = {}  # which values, of what its task measures
    recipe: str | None = None  # SHA-256 of recipe.json
    changes: list[Change] = []  # of the recipe since it began
    rollbacks: list[Rollback] = []


class Line(BaseModel):
    """A line of log.jsonl."""

    step: int
    seconds: float
    images_per_second: float | None = None
    terms: dict[str, float] | None = None
    metrics: dict[str, float | None] | None = None
    changes: list[str] | None = None
    rollback: str | None = None  # why


class Grid(BaseModel):
    """grid.json: what the sample grids show, a row per caption."""

    captions: list[str]
    images: int  # of each caption
    seed: int
    resolution: int


class Done(BaseModel):
    """done.json: how a stage ended."""

    steps: int
    model: int  # the step after which the model's weights were taken


class Holder(BaseModel):
    """The process that trains a run."""

    pid: int
    host: str
    since: datetime

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since:%Y-%m-%d %H:%M:%S} UTC"


RECIPE = "recipe.json"
"""A locked recipe, by itself too."""
_LOCK = ".lock"  # there from the first moment: a folder with it and without a recipe was begun by zoo train
_STEP = re.compile(r"step_(\d+)\.png")


class Run:
    """The folder of a run, or of a stage before it, which is `pretrain/` of what comes after."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.checkpoints = self.folder / "checkpoints"
        self.model = self.folder / "model"
        self.report = self.folder / "report.html"
        self.film = self.folder / "timelapse.mp4"
        self.results = self.folder / RESULTS
        self.evaluation = self.folder / "evaluation"  # while it measures
        self.tensorboard = self.folder / "tensorboard"
        self.attention = self.folder / "samples" / "attention.png"
        self._samples = self.folder / "samples"
        self._recipe = self.folder / RECIPE
        self._environment = self.folder / "environment.json"
        self._log = self.folder / "log.jsonl"
        self._done = self.folder / "done.json"
        self._lock = self.folder / _LOCK

    def __str__(self) -> str:
        return str(self.folder)

    # --------------------------------------------------------------------------------------------------
    # Stages

    def exists(self) -> bool:
        """Whether the folder is a run's."""
        return self._recipe.is_file()

    @property
    def pretrain(self) -> Run:
        """Where the stage lies that is trained before this one."""
        return Run(self.folder / "pretrain")

    def stages(self) -> list[Run]:
        """What is trained first, …, the run itself."""
        return [*(self.pretrain.stages() if self.pretrain.exists() else ()), self]

    def check(self) -> None:
        """Raise `ZooError` where the folder is no run's."""
        if self.exists():
            return
        if self._lock.is_file():
            raise ZooError(
                f"{self} was stopped before anything was trained; begin it again: "
                f"zoo train RECIPE --data SRC --out {self}"
            )
        found = "there is no such folder"
        if self.folder.is_dir():
            found = f"it holds: {', '.join(sorted(p.name for p in self.folder.iterdir())[:8]) or 'nothing'}"
        raise ZooError(
            f"{self} is no run: expected a folder with {self._recipe.name}, as zoo train writes it; {found}"
        )

    # --------------------------------------------------------------------------------------------------
    # Beginning, and who trains

    def check_free(self) -> None:
        """Raise `ZooError` where the folder holds anything but a beginning that was stopped at once."""
        if self.exists():
            raise ZooError(f"{self} exists and is not empty; go on with: zoo train --resume {self}")
        used = self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir()))
        if used and not self._lock.is_file():
            raise ZooError(f"{self} exists and is not empty")

    def begin(self, recipes: Mapping[Path, Recipe], environment: Environment) -> None:
        """Write a run that is held: the recipe of each stage by its folder, the run's own first.

        That one is written last, so that there is a whole run or none.
        """
        self.check_free()
        self._clear()
        for folder, recipe in reversed(list(recipes.items())):
            text = as_json(recipe.locked())
            digest = hashlib.sha256(text.encode()).hexdigest()
            stage = Run(folder)
            stage.write_environment(environment.model_copy(update={"recipe": digest}))
            write_text(stage._recipe, text)

    def remove(self) -> None:
        """Take back what `begin` wrote; an empty folder goes too."""
        self._recipe.unlink(missing_ok=True)
        self._clear()
        self._lock.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def _clear(self) -> None:
        sweep(self.folder)
        shutil.rmtree(self.pretrain.folder, ignore_errors=True)
        self._environment.unlink(missing_ok=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Train the run alone. Raises `ZooError` that names the process that does already."""
        make_folder(self.folder)
        try:
            lock = FileLock(self._lock, timeout=0)
            lock.acquire()
        except Timeout:
            raise ZooError(f"{self} is being trained by {self._holder()}") from None
        except OSError as error:
            raise ZooError(f"{self} cannot be written: {error.strerror}") from None
        try:
            holder = Holder(pid=os.getpid(), host=socket.gethostname(), since=datetime.now(UTC))
            self._lock.write_text(holder.model_dump_json(), encoding="utf-8")
            yield
        finally:
            if self._lock.is_file():
                self._lock.write_text("", encoding="utf-8")
            lock.release()

    def _holder(self) -> Holder | str:
        try:
            return read_format(self._lock, Holder)
        except ZooError:
            return "another process"

    def sweep(self) -> None:
        """Remove what a killed process left of writing, in all stages."""
        sweep(self.folder)

    # --------------------------------------------------------------------------------------------------
    # Recipe and environment

    def recipe(self, *, begun: bool = False) -> dict[str, Any]:
        """The locked recipe with what was changed since it began, or `begun` without.

        Raises `ZooError` where it cannot be read.
        """
        table = read_table(self._recipe)
        if not ({"name", "task", "train"} <= table.keys() and isinstance(table["train"], dict)):
            raise ZooError(f"{self._recipe} is no locked recipe: expected name, task and train")
        if self._environment.is_file() and not begun:
            for changed in self.environment().changes:
                for setting in changed.set:
                    apply_change(table, setting)
        return table

    def check_recipe(self) -> None:
        """Raise `ZooError` where recipe.json was edited since the run began."""
        if sha256(self._recipe) != self.environment().recipe:
            raise ZooError(
                f"{self._recipe} is not the one that the run began with; put that one back, and change "
                f"settings with: zoo train --resume {self} --set train.KEY=VALUE"
            )

    def environment(self) -> Environment:
        """What the stage is made with. Raises `ZooError` where it cannot be read."""
        return read_format(self._environment, Environment)

    def has_environment(self) -> bool:
        """Whether it is written down what the stage is made with."""
        return self._environment.is_file()

    def write_environment(self, environment: Environment) -> None:
        """Write what the stage is made with."""
        write_format(self._environment, environment)

    # --------------------------------------------------------------------------------------------------
    # Log

    def log(self) -> list[Line]:
        """The lines of the log. One that is damaged, or that a killed process left unfinished, is passed."""
        lines = []
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.is_file() else ""
        for line in text.splitlines():
            with suppress(ValidationError):
                lines.append(Line.model_validate_json(line))
        return lines

    def write_log(self, lines: Iterable[Line]) -> None:
        """Write the log anew."""
        write_text(self._log, "".join(_line(line) for line in lines))

    def append_log(self, line: Line) -> None:
        """Add a line to the log."""
        append(self._log, _line(line))

    def sync_log(self) -> None:
        """Make sure that the log survives a power cut."""
        if self._log.is_file():
            sync_appended(self._log)

    # --------------------------------------------------------------------------------------------------
    # Samples

    def grid(self) -> Grid | None:
        """What the sample grids show; None before the first."""
        path = self._samples / "grid.json"
        return read_format(path, Grid) if path.is_file() else None

    def write_grid(self, grid: Grid) -> None:
        """Write what the sample grids show, and make room for them."""
        write_format(self._samples / "grid.json", grid)

    def sample(self, step: int) -> Path:
        """The sample grid of a step."""
        return self._samples / f"step_{step:08d}.png"

    def samples(self) -> Mapping[int, Path]:
        """The sample grids by step, in order."""
        found = {path: _STEP.fullmatch(path.name) for path in sorted(self._samples.glob("step_*.png"))}
        return dict(sorted((int(match[1]), path) for path, match in found.items() if match))

    # --------------------------------------------------------------------------------------------------
    # The end

    def done(self) -> Done | None:
        """How the stage ended; None where it has not."""
        return read_format(self._done, Done) if self._done.is_file() else None

    def write_done(self, done: Done) -> None:
        """Write that the stage has ended."""
        write_format(self._done, done)

    def report_is_old(self) -> bool:
        """Whether the stage has ended after its report was written, or without one."""
        return not self.report.is_file() or self.report.stat().st_mtime_ns < self._done.stat().st_mtime_ns

    def roll_back(self, rollback: Rollback) -> None:
        """Write that the stage went back; its log says so once it goes on."""
        environment = self.environment()
        environment.rollbacks.append(rollback)
        self.write_environment(environment)

    def change(self, changed: Change) -> None:
        """Write changed settings; a stage that had ended has not."""
        self._done.unlink(missing_ok=True)
        environment = self.environment()
        environment.changes.append(changed)
        self.write_environment(environment)
        seconds = max((line.seconds for line in self.log()), default=0.0)
        self.append_log(Line(step=changed.step, seconds=seconds, changes=changed.set))


def _line(line: Line) -> str:
    return json.dumps(line.model_dump(exclude_none=True)) + "\n"
