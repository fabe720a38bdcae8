"""Task `gan`: the discriminators, then the generator; an average of the generator's side is what samples.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import torch
from accelerate import PartialState
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from zoo_registry import Recipe
from zoo_registry.contracts import Drawing, Phase, Round, Text
from zoo_registry.training import GanTraining

from ..assemble import Parts
from ..data.pictures import Batch, images
from ..plugins import observe
from ..seeding import generator as seeded
from . import take_up, total
from .parallel import average_gradients, device_of, no_gradient

GENERATING = ("text_encoder", "conditioning", "generator")
"""The generator's side, as far as a recipe does not freeze it."""


class GanTask:
    """Adversarial training of a recipe's parts."""

    def __init__(self, recipe: Recipe, parts: Parts, state: PartialState) -> None:
        assert isinstance(recipe.train, GanTraining)
        self.train = recipe.train
        self.state, self.device = state, device_of(state)
        self.parts = parts.to(self.device)
        self.sides: tuple[int, ...] = parts.generator.spec.sides
        self.learning = nn.ModuleDict({k: parts.modules[k] for k in GENERATING if k not in parts.frozen})
        for kind, module in parts.modules.items():
            module.train(kind in self.learning or kind == "discriminator")
        if "image_encoder" in parts:
            parts.image_encoder.requires_grad_(False)
        self.average = AveragedModel(
            self.learning, multi_avg_fn=get_ema_multi_avg_fn(self.train.ema), use_buffers=True
        )
        self.optimisers = {
            "discriminator": torch.optim.Adam(
                parts.discriminator.parameters(),
                lr=self.train.discriminator_lr,
                betas=self.train.betas,
                fused=True,
            ),
            "generator": torch.optim.Adam(
                self.learning.parameters(), lr=self.train.generator_lr, betas=self.train.betas, fused=True
            ),
        }

    def step(self, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """One update of the discriminators, then one of the generator's side, on the same drawing."""
        device, bf16 = self.device.type, self.train.precision == "bf16"
        autocast = partial(torch.autocast, device, torch.bfloat16, enabled=bf16)
        with autocast():
            round = self._round(batch, step)
            loss, terms = total(self.parts.losses, round.detach(), "discriminator")
        self._update("discriminator", self.parts.discriminator, loss)
        with autocast(), no_gradient(self.parts.discriminator):
            loss, more = total(self.parts.losses, round, "generator")
        observe(round, terms | more, step)
        self._update("generator", self.learning, loss)
        self.average.update_parameters(self.learning)
        return terms | more

    def _round(self, batch: Batch, step: int) -> Round:
        device, parts = self.device, self.parts
        source = seeded(self.train.seed, step, self.state.process_index, "noise")
        real = images(batch.pixels.to(device, non_blocking=True), self.sides)
        real = tuple(side.contiguous(memory_format=torch.channels_last) for side in real)
        count = len(batch.captions)
        noise = torch.randn(count, parts.generator.spec.noise_width, generator=source)
        draws = torch.randn(count, parts.conditioning.width, generator=source)
        tokens = parts.text_encoder.tokenize(batch.captions)
        with torch.set_grad_enabled("text_encoder" in self.learning):
            text: Text = parts.text_encoder(type(tokens)(*(t.to(device) for t in tokens)))
        condition = parts.conditioning(text.sentence, noise=draws.to(device))
        phase = Phase(self.sides[-1])
        drawing: Drawing = parts.generator(noise.to(device), condition, text, phase)
        pairs = mismatched(self.train.mismatch, count, batch.labels, source)
        return Round(
            drawing=drawing,
            text=text,
            real=real,
            condition=condition,
            labels=None if batch.labels is None else batch.labels.to(device),
            mismatch=None if pairs is None else (pairs[0].to(device), pairs[1].to(device)),
            phase=phase,
            discriminator=parts.discriminator,
            image_encoder=parts.image_encoder if "image_encoder" in parts else None,
        )

    def _update(self, name: str, module: nn.Module, loss: Tensor) -> None:
        optimiser = self.optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(module.parameters(), self.state)
        optimiser.step()

    def averaged(self) -> Parts:
        """The parts as they are saved: the average of the generator's side, the others as they are."""
        averaged = cast("nn.ModuleDict", self.average.module)
        return Parts({**self.parts.modules, **averaged}, self.parts.losses, self.parts.frozen)

    def state_dict(self) -> dict[str, Any]:
        """Weights, their average, optimisers."""
        return {
            "learning": self.learning.state_dict(),
            "discriminator": self.parts.discriminator.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.learning.load_state_dict(state["learning"])
        self.parts.discriminator.load_state_dict(state["discriminator"])
        self.average.load_state_dict(state["average"])
        for name, optimiser in self.optimisers.items():
            take_up(optimiser, state["optimisers"][name])


def mismatched(
    strategy: str, count: int, labels: Tensor | None, source: torch.Generator
) -> tuple[Tensor, Tensor] | None:
    """Pairs [M], [M] of an image and a sentence that is not its own; None for a batch of one.

    shift: image i with sentence i + 1, for all but the last (AttnGAN). permute: every image with another's.
    other-class: every image with a sentence of another class, where the batch has one, else with any other.
    """
    if count < 2:
        return None
    rows = torch.arange(count)
    if strategy == "shift":
        return rows[:-1], rows[1:]
    if strategy == "permute" or labels is None:  # a cyclic shift by a drawn distance has no fixed point
        return rows, (rows + torch.randint(1, count, (), generator=source)) % count
    score = torch.rand(count, count, generator=source)  # the highest is chosen
    score += (labels[:, None] != labels[None, :]).float()
    score[rows, rows] = -1
    return rows, score.argmax(1)
