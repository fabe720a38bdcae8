"""What is looked at while a stage trains, and which weights become its model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from zoo_registry import Recipe
from zoo_registry.training import GanTraining, InvertTraining, MatchTraining

from . import pipeline
from .data.images import ImageSet
from .evaluation.during import Measuring
from .samples import SampleGrid
from .tasks.gan import GanTask
from .tasks.invert import InvertTask
from .tasks.match import MatchTask


class Watcher(Protocol):
    """Looks at a task between steps; steps are counted from 1 here."""

    def due(self, step: int, last: int) -> bool:
        """Whether to look after this step."""
        ...

    def look(self, step: int, last: int) -> Mapping[str, float]:
        """Look, and give the metrics measured."""
        ...

    def saved(self) -> None:
        """A checkpoint has been written."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """What it has to remember when training resumes."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        ...


class Sampling:
    """Task `gan`: sample grids and metrics; the model is the newest average, or the best by a metric."""

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        task: GanTask,
        captions: Sequence[str],
        measuring: Measuring | None,
    ) -> None:
        assert isinstance(recipe.train, GanTraining)
        self.every = recipe.train.sample_every
        self.folder, self.recipe, self.task, self.measuring = folder, recipe, task, measuring
        self.grid = SampleGrid(folder / "samples", recipe, task.averaged(), captions)

    def due(self, step: int, last: int) -> bool:
        """Every `sample_every` steps and every `evaluate.every`, and at the end."""
        return step == last or step % self.every == 0 or self._measures(step)

    def _measures(self, step: int) -> bool:
        return self.measuring is not None and step % self.measuring.settings.every == 0

    def look(self, step: int, last: int) -> Mapping[str, float]:
        """Generate the grid, and measure where it is time to."""
        if step == last or step % self.every == 0:
            self.grid.generate(self.task.averaged(), step)
        if self.measuring is None or not (step == last or self._measures(step)):
            return {}
        metrics, best = self.measuring.measure(self.task.averaged(), step)
        if best and self.measuring.settings.best is not None:
            self._save()
        return metrics

    def saved(self) -> None:
        """Write the model too, so that an unfinished run samples."""
        chosen = self.measuring is not None and self.measuring.settings.best is not None
        if not chosen or not (self.folder / "model").exists():
            self._save()

    def _save(self) -> None:
        pipeline.save(self.recipe, self.task.averaged(), self.folder / "model")

    def state_dict(self) -> dict[str, Any]:
        """The best value so far; null where there is none. Grids are functions of the weights."""
        best = -math.inf if self.measuring is None else self.measuring.best
        return {"best": best if math.isfinite(best) else None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        if self.measuring is not None:
            self.measuring.best = -math.inf if state["best"] is None else state["best"]


class Validation:
    """Task `match`: retrieval among held-out pairs; the model is the best by R@1, then R@5."""

    def __init__(self, folder: Path, recipe: Recipe, task: MatchTask, held_out: ImageSet) -> None:
        assert isinstance(recipe.train, MatchTraining)
        self.every = recipe.train.validate_every or task.epoch
        self.folder, self.recipe, self.task, self.held_out = folder, recipe, task, held_out
        self.best = (-1.0, -1.0)

    def due(self, step: int, last: int) -> bool:
        """Every `validate_every` steps, and at the end."""
        return step % self.every == 0 or step == last

    def look(self, step: int, last: int) -> Mapping[str, float]:
        """Measure retrieval; write the model where it is the best so far."""
        metrics = self.task.validate(self.held_out)
        score = (metrics["retrieval/r1"], metrics["retrieval/r5"])
        if score > self.best:
            self.best = score
            pipeline.save(self.recipe, self.task.averaged(), self.folder / "model")
        return metrics

    def saved(self) -> None:
        """The model is the best, not the newest: nothing to write."""

    def state_dict(self) -> dict[str, Any]:
        """The best score so far."""
        return {"best": list(self.best)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.best = (state["best"][0], state["best"][1])


class Inversion:
    """Task `invert`: how well noise is read back from fixed generated images; the model is the best."""

    def __init__(self, folder: Path, recipe: Recipe, task: InvertTask, captions: Sequence[str]) -> None:
        assert isinstance(recipe.train, InvertTraining)
        self.every = recipe.train.validate_every
        self.folder, self.recipe, self.task, self.captions = folder, recipe, task, captions
        self.best = float("inf")

    def due(self, step: int, last: int) -> bool:
        """Every `validate_every` steps, and at the end."""
        return step % self.every == 0 or step == last

    def look(self, step: int, last: int) -> Mapping[str, float]:
        """Measure the error; write the model where it is the smallest so far."""
        metrics = self.task.validate(self.captions)
        if metrics["inversion/error"] < self.best:
            self.best = metrics["inversion/error"]
            pipeline.save(self.recipe, self.task.averaged(), self.folder / "model")
        return metrics

    def saved(self) -> None:
        """The model is the best, not the newest: nothing to write."""

    def state_dict(self) -> dict[str, Any]:
        """The best error so far; null while there is none."""
        return {"best": self.best if self.best < float("inf") else None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.best = float("inf") if state["best"] is None else state["best"]
