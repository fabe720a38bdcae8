"""Task `invert`: a style encoder reads noise back from a trained generator's images.

Reed et al. 2016 (arXiv:1605.05396), section 4.5, equation 6. Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from zoo_registry.contracts import (
    Batch,
    Generated,
    GeneratorSpec,
    HeldOut,
    Phase,
    Plan,
    Round,
    Setup,
    Task,
    Text,
)


class Inverting(Task):
    """A style encoder learns to read a generator's noise from its images; the generator stays as it is.

    The model is the best by the error on fixed generated images.

    lr: learning rate of Adam. validate_every: steps between two measurements of the error.
    held_out: generated images that the error is measured on, of captions of the held-out split.
    """

    places: ClassVar[tuple[str, ...]] = ("generator", "style_encoder")
    may_change: ClassVar[tuple[str, ...]] = ("lr", "validate_every")
    about: ClassVar[str] = "A generative adversarial network"
    tags: ClassVar[tuple[str, ...]] = ("gan",)

    def __init__(
        self,
        setup: Setup,
        /,
        *,
        lr: PositiveFloat = 2e-4,
        validate_every: PositiveInt = 500,
        held_out: PositiveInt = 256,
    ) -> None:
        self.setup, self.parts, self.held_out = setup, setup.parts, held_out
        self.spec: GeneratorSpec = setup.parts["generator"].spec
        for place, module in setup.parts.items():
            module.requires_grad_(place == "style_encoder")
        self.style_encoder = setup.parts["style_encoder"].train()
        adam = setup.adam(self.style_encoder.parameters(), lr=lr, betas=setup.training.betas)
        self.phases = [Phase("style_encoder", self.style_encoder, adam, lr=lambda step: lr)]

    @classmethod
    def plan(cls, settings: Any, /) -> Plan:
        """The error on fixed generated images, which decides."""
        return Plan(validate_every=settings.validate_every, best=("inversion/error",), better="lower")

    def loss(self, phase: str, batch: Batch, step: int, repeat: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The losses' terms on new generated images."""
        source = self.setup.seeded(step, 0, "noise")  # the same in every process
        round = self._round(batch.captions, partial(self.setup.noise, source=source), step)
        return self.setup.total(round, "generator")

    @torch.no_grad()
    def _generate(self, text: Text, noise: Tensor, code_noise: Tensor, step: int) -> Generated:
        condition = self.setup.condition(text, code_noise)
        generated: Generated = self.parts["generator"](noise, condition, text, self.setup.growth(step))
        return generated

    def _round(self, captions: Sequence[str], sampled: Callable[[int, int], Tensor], step: int) -> Round:
        """Generated images of captions. sampled: noise of so many rows and columns."""
        noise = sampled(len(captions), self.spec.noise_width).to(self.setup.device)
        code_noise = sampled(len(captions), self.setup.code_width).to(self.setup.device)
        with torch.no_grad():
            text = self.setup.read(captions)
        return Round(
            generated=self._generate(text, noise, code_noise, step),
            text=text,
            noise=noise,
            captions=tuple(captions),
            growth=self.setup.growth(step),
            step=step,
            image_encoder=self.style_encoder,
        )

    @torch.no_grad()
    def validate(self, held_out: HeldOut) -> Mapping[str, float]:
        """`inversion/error`: mean squared error of the noise of fixed generated images; 1 by chance."""
        self.style_encoder.eval()
        sampled = partial(torch.randn, generator=self.setup.seeded("held out"))
        captions = list(held_out.captions[: self.held_out]) or [""] * self.held_out
        size = self.setup.training.batch_size
        errors = []
        for at in range(0, len(captions), size):
            round = self._round(captions[at : at + size], sampled, 0)
            assert round.noise is not None
            errors.append((round.image_features.vector - round.noise).square().mean(1))
        self.style_encoder.train()
        return {"inversion/error": torch.cat(errors).mean().item()}
