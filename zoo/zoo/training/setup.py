"""What a task is handed by the engine: see `zoo_registry.contracts.tasks.Setup`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import torch
from accelerate import PartialState
from torch import Tensor, nn

from zoo_registry import Recipe
from zoo_registry.contracts import Condition, Growth, Round, Setup, Text

from ..assemble import Parts
from ..data.images import images_at
from ..seeding import generator
from .adam import Adam
from .processes import device_of, gathered
from .schedule import Schedule


class RunSetup(Setup):
    """The setup of one stage of a run. `round` is the last one whose losses were asked for."""

    def __init__(self, recipe: Recipe, parts: Parts, state: PartialState, schedule: Schedule) -> None:
        self.training, self.choices, self.schedule, self.state = recipe.train, recipe.losses, schedule, state
        self.device = device_of(state)
        self.process, self.processes = state.process_index, state.num_processes
        self.assembled, self.parts, self.frozen = parts, parts.modules, parts.frozen
        self.losses = tuple(choice.component.name for choice in recipe.losses)
        self.augmentations = parts.augmentations
        self.resolution = schedule.segments[-1].resolution
        self.code_width = parts.code_width
        self.round: Round | None = None

    def learning(self, *places: str) -> nn.ModuleDict:
        """Those of the modules that the recipe has and does not freeze, put into training mode."""
        found = {place: self.parts[place] for place in places if place in self.parts}
        return nn.ModuleDict({p: m.train() for p, m in found.items() if p not in self.frozen})

    def adam(
        self, parameters: Iterable[nn.Parameter], *, lr: float, betas: tuple[float, float]
    ) -> torch.optim.Optimizer:
        """Fused Adam over strided views of the weights."""
        return Adam(parameters, lr=lr, betas=betas)

    def seeded(self, *key: int | str) -> torch.Generator:
        """A generator on the CPU for a key and the run's seed."""
        return generator(self.training.seed, *key)

    def noise(self, count: int, width: int, source: torch.Generator) -> Tensor:
        """Normal noise [count,width] on the device: this process's rows of what `source` gives for all."""
        rows = torch.randn(count * self.processes, width, generator=source)
        return rows[self.process * count :][:count].to(self.device)

    def growth(self, step: int) -> Growth:
        """How far a growing generator has grown at a step; else all of it, or as far as it was loaded."""
        if self.schedule.grows or "generator" not in self.parts:
            return self.schedule.growth(step)
        return self.assembled.growth or Growth(self.assembled.generator.spec.resolutions[-1])

    def epoch(self, step: int) -> int:
        """Whole epochs before a step."""
        return self.schedule.epoch(step)

    def read(self, captions: Sequence[str]) -> Text:
        """The captions as the text encoder reads them; sentences [B,0] where the recipe has none."""
        return self.assembled.read(captions, self.device)

    def condition(self, text: Text, noise: Tensor) -> Condition:
        """The generator's condition; `noise` [B,C] itself where the recipe has no text."""
        return self.assembled.condition(text, noise)

    def images(self, pixels: Tensor, resolutions: Sequence[int]) -> tuple[Tensor, ...]:
        """Pixels [B,3,R,R] uint8 as images in [-1, 1] on the device, one [B,3,r,r] per resolution."""
        return images_at(pixels.to(self.device, non_blocking=True), resolutions)

    def total(
        self, round: Round, player: str, losses: Collection[str] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum of the losses for a player, and its terms, unweighted and detached.

        The one place that weighs and sums. A loss that weighs nothing is not computed.
        """
        self.round = round
        sums: list[Tensor] = []
        named: dict[str, Tensor] = {}
        for choice, loss in zip(self.choices, self.assembled.losses, strict=True):
            counts = losses is None or choice.component.name in losses
            weight = choice.weight(round.step) if counts else 0.0
            for name, term in (getattr(loss, player)(round) if weight else {}).items():
                sums.append(weight * term)
                if name in named:  # one loss twice, with other settings
                    name += f" {sum(other.startswith(name) for other in named) + 1}"
                named[name] = term.detach()
        return torch.stack(sums).sum() if sums else torch.zeros(()), named

    def gather(self, tensor: Tensor) -> Tensor:
        """A tensor [B,...] of every process, one after the other; gradients flow back."""
        return tensor if self.processes == 1 else gathered(tensor)
