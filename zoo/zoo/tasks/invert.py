"""Task `invert`: a style encoder reads noise back from a trained generator's images.

Reed et al. 2016 (arXiv:1605.05396), section 4.5, equation 6. Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from accelerate import PartialState
from torch import Tensor

from zoo_registry import Recipe
from zoo_registry.contracts import Generated, GeneratorSpec, Growth, Round
from zoo_registry.training import InvertTraining

from ..assemble import Parts
from ..data.images import Batch
from ..plugins import observe
from ..reading import condition_of, read
from ..seeding import generator as seeded
from . import total
from .adam import Adam
from .parallel import average_gradients, device_of


class InvertTask:
    """Training of a style encoder; the generator stays as it is."""

    def __init__(self, recipe: Recipe, parts: Parts, state: PartialState) -> None:
        assert isinstance(recipe.train, InvertTraining)
        self.train, self.choices = recipe.train, recipe.losses
        self.state, self.device = state, device_of(state)
        self.parts = parts.to(self.device)
        spec: GeneratorSpec = parts.generator.spec
        self.noise_width, self.growth = spec.noise_width, parts.growth or Growth(spec.resolutions[-1])
        for place, module in parts.modules.items():
            module.train(place == "style_encoder").requires_grad_(place == "style_encoder")
        self.optimiser = Adam(parts.style_encoder.parameters(), lr=self.train.lr, betas=self.train.betas)

    def step(self, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """One update of the style encoder on new generated images."""
        source = seeded(self.train.seed, step, self.state.process_index, "noise")
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.train.precision == "bf16"):
            round = self._round(batch.captions, source, step)
            loss, terms = total(self.choices, self.parts.losses, round, "generator")
        observe(round, terms, step)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(self.parts.style_encoder.parameters(), self.state)
        self.optimiser.step()
        return {name.removeprefix("generator/"): term for name, term in terms.items()}

    @torch.no_grad()
    def _generate(self, captions: Sequence[str], noise: Tensor, code_noise: Tensor) -> Generated:
        text = read(self.parts, captions, self.device)
        condition = condition_of(self.parts, text, code_noise)
        generated: Generated = self.parts.generator(noise, condition, text, self.growth)
        return generated

    def _round(self, captions: Sequence[str], source: torch.Generator, step: int) -> Round:
        noise = torch.randn(len(captions), self.noise_width, generator=source).to(self.device)
        code_noise = torch.randn(len(captions), self.parts.code_width, generator=source).to(self.device)
        return Round(
            generated=self._generate(captions, noise, code_noise),
            text=read(self.parts, captions, self.device),
            noise=noise,
            captions=tuple(captions),
            growth=self.growth,
            step=step,
            source=source,
            image_encoder=self.parts.style_encoder,
        )

    @torch.no_grad()
    def validate(self, captions: Sequence[str]) -> dict[str, float]:
        """`inversion/error`: mean squared error of the noise of fixed generated images; 1 by chance."""
        self.parts.style_encoder.eval()
        source = seeded(self.train.seed, "held out")
        errors = []
        for at in range(0, len(captions), self.train.batch_size):
            round = self._round(captions[at : at + self.train.batch_size], source, 0)
            assert round.noise is not None
            errors.append((round.image_features.vector - round.noise).square().mean(1))
        self.parts.style_encoder.train()
        return {"inversion/error": torch.cat(errors).mean().item()}

    def averaged(self) -> Parts:
        """The parts as they are saved."""
        return self.parts

    def state_dict(self) -> dict[str, Any]:
        """Weights and the optimiser."""
        return {
            "style_encoder": self.parts.style_encoder.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.parts.style_encoder.load_state_dict(state["style_encoder"])
        self.optimiser.load_state_dict(state["optimiser"])
