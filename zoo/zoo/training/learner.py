"""A task with its parts: takes steps, and holds what a checkpoint saves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import set_seed
from torch import Tensor

from zoo_registry import Recipe, catalogue
from zoo_registry.contracts import Batch, Phase, Setup, Task
from zoo_registry.recipe import Choice

from ..assemble import Parts, construct
from ..files.run import Rollback
from ..seeding import mix
from .divergence import scaled, share_of_rates
from .processes import accelerator_for, device_of, hooked
from .schedule import Schedule
from .setup import RunSetup


class Learner:
    """The task of a recipe, built; `parts` are moved to the device and put into eval mode first."""

    def __init__(
        self,
        recipe: Recipe,
        parts: Parts,
        state: PartialState,
        schedule: Schedule,
        rollbacks: Sequence[Rollback] = (),
    ) -> None:
        self.recipe, self.state, self.schedule, self.rollbacks = recipe, state, schedule, rollbacks
        self.parts = parts.to(device_of(state))
        self.setup = RunSetup(recipe, parts, state, schedule)
        self.task: Task = construct(Choice(recipe.task, recipe.train), {Setup: self.setup})
        self.accelerator = accelerator_for(recipe.train.precision)
        modules = {id(phase.module): phase.module for phase in self.task.phases}  # phases can share one
        self._hooked = {key: hooked(self.accelerator, module) for key, module in modules.items()}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}
        for phase in self.task.phases:
            if phase.optimiser not in self.optimisers.values():  # phases can share one
                self.optimisers[phase.name] = phase.optimiser

    def step(self, batches: Sequence[Batch], step: int) -> dict[str, Tensor]:
        """Every phase that is due, on the batches of a step; the terms, each as PHASE/NAME."""
        set_seed(mix(self.recipe.train.seed, step + 1, self.state.process_index) % 2**32)
        terms: dict[str, Tensor] = {}
        for phase in self.task.phases:
            if step % phase.every == 0:
                for repeat in range(phase.repeats):
                    terms |= self._update(phase, batches[repeat], step, repeat)
        if self.setup.round is not None:
            catalogue().call_each("zoo_step", round=self.setup.round, terms=terms, step=step)
            self.setup.round = None
        return terms

    def _update(self, phase: Phase, batch: Batch, step: int, repeat: int) -> dict[str, Tensor]:
        loss, terms = self._hooked[id(phase.module)](partial(self.task.loss, phase.name, batch, step, repeat))
        if phase.lr is not None:
            for group in phase.optimiser.param_groups:
                group["lr"] = phase.lr(step)
        phase.optimiser.zero_grad(set_to_none=True)
        if loss.requires_grad:  # every loss of a phase may weigh nothing yet
            self.accelerator.backward(loss)
        if phase.clip:
            clipped = phase.clipped or phase.module
            self.accelerator.clip_grad_norm_(clipped.parameters(), phase.clip)
        with scaled(phase.optimiser, share_of_rates(self.rollbacks, step)):
            phase.optimiser.step()
        with self.accelerator.autocast():  # what a task computes here meets features of its loss
            self.task.updated(phase.name, step)
        return {f"{phase.name}/{name}": term for name, term in terms.items()}

    def images(self, step: int) -> int:
        """How many images a step takes, of all processes."""
        return self.schedule.at(step).batch_size * self.schedule.batches

    def model(self, step: int) -> Parts:
        """The parts as they are saved and generate after a step."""
        growth = self.schedule.growth(step) if self.schedule.grows else self.parts.growth
        return replace(self.parts, modules={**self.parts.modules, **self.task.averaged()}, growth=growth)

    def state_dict(self) -> dict[str, Any]:
        """What the task declares, and its optimisers."""
        return {
            "task": {name: part.state_dict() for name, part in self.task.state.items()},
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        for held, saved in ((self.task.state, state["task"]), (self.optimisers, state["optimisers"])):
            for name, part in held.items():
                part.load_state_dict(saved[name])
