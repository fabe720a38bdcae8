"""What is looked at while a stage trains, as its task planned it, and which weights become its model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from zoo_registry.contracts import Growth, HeldOut, Plan

from ..evaluation.during import Measuring
from ..files.model import Model
from ..files.run import Run
from ..pipeline import Snapshot
from .divergence import Signs
from .learner import Learner
from .samples import SampleGrid


class Watcher:
    """Looks at a learner between steps; steps are counted from 1 here.

    captions: what the sample grid generates. measuring: what `plan.evaluate` asks for, if it does.
    """

    def __init__(
        self,
        stage: Run,
        learner: Learner,
        plan: Plan,
        held_out: HeldOut,
        captions: Sequence[str],
        measuring: Measuring | None,
    ) -> None:
        self.stage, self.learner, self.plan = stage, learner, plan
        self.held_out, self.measuring = held_out, measuring
        self.last = learner.schedule.steps
        epoch = learner.schedule.segments[0].epoch
        self.validate_every = epoch if plan.validate_every == "epoch" else plan.validate_every
        self.grid = None
        if plan.samples_every is not None:
            self.grid = SampleGrid(stage, learner.recipe, learner.model(0), captions)
        self.best: list[float] = []  # values that decide, larger is better; empty: none so far
        self.kept: Snapshot | None = None  # the weights that had them

    def begin(self) -> None:
        """Prepare what is written before the first step."""
        if self.grid is not None:
            self.grid.begin()

    def _due(self, step: int, every: int | None) -> bool:
        return every is not None and (step % every == 0 or step == self.last)

    def _measures(self, step: int) -> bool:
        return self.measuring is not None and self._due(step, self.measuring.settings.every)

    def due(self, step: int) -> bool:
        """Whether to look after this step; after the last in any case."""
        everies = (self.plan.samples_every, self.validate_every)
        return any(self._due(step, every) for every in everies) or self._measures(step)

    def look(self, step: int, signs: Signs) -> Mapping[str, float]:
        """Generate the grid, validate and measure, each where it is time to; the metrics.

        signs: what looks at the grid.
        """
        model = self.learner.model(step - 1)
        metrics: dict[str, float] = {}
        values: list[float] = []
        if self.grid is not None and self._due(step, self.plan.samples_every):
            signs.grid(step, self.grid.generate(model, step), self.grid.images)
        if self._due(step, self.validate_every):
            metrics |= self.learner.task.validate(self.held_out)
            sign = 1 if self.plan.better == "higher" else -1
            values = [sign * metrics[name] for name in self.plan.best]
        if self.measuring is not None and self._measures(step):
            scores, value = self.measuring.measure(model, step)
            metrics |= scores
            if value is not None:
                values = [value]
        if values and values > (self.best or [-math.inf]):
            self.best = values
            self.kept = Snapshot.of(self.learner.model(step - 1), step).copied()
        return metrics

    def write_model(self, step: int) -> int:
        """Write the model of a checkpoint's step, where it is not there; the step that its weights are of.

        They are the best so far, and the newest before the first are known, so an unfinished run samples too.
        """
        model = self.kept or Snapshot.of(self.learner.model(step - 1), step)
        assert model.step is not None
        if Model(self.stage.model).trained_step() != model.step:
            model.write(self.learner.recipe, self.learner.parts, self.stage.model)
        return model.step

    def state_dict(self) -> dict[str, Any]:
        """The best values so far and the weights that had them. Grids are functions of the weights."""
        kept = None
        if self.kept is not None:
            growth = None if self.kept.growth is None else list(self.kept.growth)
            kept = {"step": self.kept.step, "growth": growth, "weights": self.kept.weights}
        return {"best": self.best, "kept": kept}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.best = list(state["best"])
        if (kept := state["kept"]) is not None:
            growth = None if kept["growth"] is None else Growth(*kept["growth"])
            self.kept = Snapshot(kept["weights"], growth, kept["step"])
