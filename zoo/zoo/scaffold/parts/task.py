"""A task: the generator learns before the discriminator, each from images of its own.

B batch, Z noise width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from zoo_registry.contracts import Batch, Generated, GeneratorSpec, Phase, Plan, Round, Setup, Task


class GeneratorFirst(Task):
    """Adversarial training without an average of the weights.

    generator_lr, discriminator_lr: learning rates of Adam. critic_steps: updates of the discriminator a step,
        each on a batch of its own.
    sample_every: steps between sample grids.
    """

    places: ClassVar[tuple[str, ...]] = ("generator", "discriminator")
    about: ClassVar[str] = "A generative adversarial network"
    tags: ClassVar[tuple[str, ...]] = ("gan",)

    def __init__(
        self,
        setup: Setup,
        /,
        *,
        generator_lr: PositiveFloat = 2e-4,
        discriminator_lr: PositiveFloat = 2e-4,
        critic_steps: PositiveInt = 1,
        sample_every: PositiveInt = 500,
    ) -> None:
        self.setup = setup
        self.generator, self.discriminator = (setup.parts[place] for place in self.places)
        self.spec: GeneratorSpec = self.generator.spec
        generating = setup.learning("text_encoder", "conditioning", "generator")
        judging = setup.learning("discriminator")
        betas = setup.training.betas
        painter = setup.adam(generating.parameters(), lr=generator_lr, betas=betas)
        critic = setup.adam(judging.parameters(), lr=discriminator_lr, betas=betas)
        self.phases = [
            Phase("generator", generating, painter),
            Phase("discriminator", judging, critic, repeats=critic_steps),
        ]

    @classmethod
    def plan(cls, settings: Any, /) -> Plan:
        """Sample grids, and as many batches as the discriminator takes."""
        return Plan(batches=settings.critic_steps, samples_every=settings.sample_every)

    def loss(self, phase: str, batch: Batch, step: int, repeat: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The recipe's losses for one of the two, which have the names of the phases."""
        setup = self.setup
        source = setup.seeded(step, setup.process, phase, repeat)
        noise = torch.randn(len(batch.captions), self.spec.noise_width, generator=source)  # [B,Z]
        code_noise = torch.randn(len(batch.captions), setup.code_width, generator=source)
        growth = setup.growth(step)
        with torch.set_grad_enabled(phase == "generator"):
            text = setup.read(batch.captions)
            condition = setup.condition(text, code_noise.to(setup.device))
            generated: Generated = self.generator(noise.to(setup.device), condition, text, growth)
        round = Round(
            generated=generated,
            text=text,
            real=setup.images(batch.pixels, self.spec.resolutions_at(growth)),
            sentence=text.sentence.detach() if "text_encoder" in setup.parts else None,
            condition=condition,
            noise=noise,
            captions=batch.captions,
            growth=growth,
            step=step,
            source=source,
            discriminator=self.discriminator,
        )
        return setup.total(round if phase == "generator" else round.detach(), phase)
