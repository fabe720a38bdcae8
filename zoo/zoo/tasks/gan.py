"""Task `gan`: the discriminators, then the generator; the averaged weights are what samples.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from accelerate import PartialState
from accelerate.utils import gather
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from zoo_registry import Recipe
from zoo_registry.contracts import Condition, Generated, GeneratorSpec, Growth, Round, Text
from zoo_registry.training import GanTraining, Mismatch

from ..assemble import Parts
from ..data.images import Batch, images_at
from ..plugins import observe
from ..reading import condition_of, read
from ..schedule import Schedule
from ..seeding import generator as seeded
from . import total
from .adam import Adam
from .parallel import average_gradients, device_of, no_gradient

GENERATING = ("text_encoder", "conditioning", "generator")
"""The parts that learn with the generator, as far as a recipe has them and does not freeze them."""


class GanTask:
    """Adversarial training of a recipe's parts."""

    def __init__(self, recipe: Recipe, parts: Parts, state: PartialState, schedule: Schedule) -> None:
        assert isinstance(recipe.train, GanTraining)
        self.train, self.choices, self.schedule = recipe.train, recipe.losses, schedule
        self.reads = recipe.parts["discriminator"].reads
        self.state, self.device = state, device_of(state)
        self.parts = parts.to(self.device)
        self.spec: GeneratorSpec = parts.generator.spec
        self.growth = schedule.growth(0) if self.spec.growing else Growth(self.spec.resolutions[-1])
        self.learning = nn.ModuleDict(
            {k: parts.modules[k] for k in GENERATING if k in parts and k not in parts.frozen}
        )
        for kind, module in parts.modules.items():
            module.train(kind in self.learning or kind == "discriminator")
        if "image_encoder" in parts:
            parts.image_encoder.requires_grad_(False)
        self.augmentations = nn.ModuleList(cast("tuple[nn.Module, ...]", parts.augmentations))
        self.average = AveragedModel(
            self.learning, multi_avg_fn=get_ema_multi_avg_fn(self.train.ema), use_buffers=True
        )
        self.rates = {
            "discriminator": self.train.discriminator_lr,
            "generator": self.train.generator_lr,
        }
        modules = {"discriminator": parts.discriminator, "generator": self.learning}
        self.optimisers = {
            name: Adam(modules[name].parameters(), lr=rate, betas=self.train.betas)
            for name, rate in self.rates.items()
        }

    def step(self, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """One update of the discriminators, then one of the generator, on the same generated images."""
        device, bf16 = self.device.type, self.train.precision == "bf16"
        autocast = partial(torch.autocast, device, torch.bfloat16, enabled=bf16)
        if self.spec.growing:
            self.growth = self.schedule.growth(step)
        for name, optimiser in self.optimisers.items():
            decays = self.schedule.epoch(step) // self.train.lr_decay_epochs
            for group in optimiser.param_groups:
                group["lr"] = self.rates[name] * self.train.lr_decay**decays
        with autocast():
            round = self._round(batch, step)
            detached = _first(round, len(batch.captions)).detach()
            loss, terms = total(self.choices, self.parts.losses, detached, "discriminator")
        self._update("discriminator", self.parts.discriminator, loss)
        if self.augmentations:
            self._adapt(detached)
        with autocast(), no_gradient(self.parts.discriminator):
            loss, more = total(self.choices, self.parts.losses, round, "generator")
        observe(round, terms | more, step)
        self._update("generator", self.learning, loss)
        self.average.update_parameters(self.learning)
        if self.train.ema_overwrites is not None and (step + 1) % self.train.ema_overwrites == 0:
            self.learning.load_state_dict(self.average.module.state_dict())
        return terms | more

    def _round(self, batch: Batch, step: int) -> Round:
        """Generate one image per caption, and between some captions where the recipe interpolates."""
        parts = self.parts
        source = seeded(self.train.seed, step, self.state.process_index, "noise")
        count = len(batch.captions)
        extra = 0 if self.train.interpolate is None else count // 2
        noise = torch.randn(count + extra, self.spec.noise_width, generator=source).to(self.device)
        code_noise = torch.randn(count + extra, parts.code_width, generator=source).to(self.device)
        with torch.set_grad_enabled("text_encoder" in self.learning):
            text = read(parts, batch.captions, self.device)
        if self.train.interpolate is not None:
            text = interpolated(text, self.train.interpolate)
        condition = condition_of(parts, text, code_noise)
        generated: Generated = parts.generator(noise, condition, text, self.growth)
        pairs = mismatched(self.train.mismatch, count, batch.labels, source, text.sentence[:count])
        sentence = None
        if "text_encoder" in parts:
            sentence = condition.mean if self.reads == "mean" else text.sentence.detach()
        return Round(
            generated=generated,
            text=text,
            real=tuple(torch.cat([image, image[:extra]]) if extra else image for image in self._real(batch)),
            sentence=sentence,
            condition=condition,
            noise=noise,
            captions=batch.captions,
            labels=None if batch.labels is None else batch.labels.to(self.device),
            mismatch=None if pairs is None else (pairs[0].to(self.device), pairs[1].to(self.device)),
            growth=self.growth,
            step=step,
            source=source,
            discriminator=parts.discriminator,
            image_encoder=parts.image_encoder if "image_encoder" in parts else None,
            augment=(lambda images: self._augmented(images, source)) if self.augmentations else None,
        )

    def _real(self, batch: Batch) -> tuple[Tensor, ...]:
        """The real images at the resolutions that are generated now, faded like them."""
        resolutions = self.spec.resolutions_at(self.growth)
        real = images_at(batch.pixels.to(self.device, non_blocking=True), resolutions)
        alpha = self.growth.alpha
        if alpha < 1 and self.train.fade_real:
            coarse = F.interpolate(F.avg_pool2d(real[-1], 2), scale_factor=2.0)
            real = (*real[:-1], torch.lerp(coarse, real[-1], alpha))
        return tuple(image.contiguous(memory_format=torch.channels_last) for image in real)

    def _augmented(self, images: tuple[Tensor, ...], source: torch.Generator) -> tuple[Tensor, ...]:
        for augmentation in self.augmentations:
            images = tuple(augmentation(image, source) for image in images)
        return images

    @torch.no_grad()
    def _adapt(self, detached: Round) -> None:
        scores = self.parts.discriminator.score(detached.real_features, detached.head_inputs[0])
        if self.state.num_processes > 1:  # every process adapts alike
            scores = tuple(cast("Tensor", gather(score)) for score in scores)
        for augmentation in self.parts.augmentations:
            augmentation.adapt(scores)

    def _update(self, name: str, module: nn.Module, loss: Tensor) -> None:
        optimiser = self.optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        if loss.requires_grad:  # every loss of this player may weigh nothing yet
            loss.backward()
        average_gradients(module.parameters(), self.state)
        optimiser.step()

    def averaged(self) -> Parts:
        """The parts as they are saved: the averaged weights of the generator, the others as they are."""
        averaged = cast("nn.ModuleDict", self.average.module)
        growth = self.growth if self.spec.growing else None
        return replace(self.parts, modules={**self.parts.modules, **averaged}, growth=growth)

    def state_dict(self) -> dict[str, Any]:
        """Weights, their average, optimisers, and what augmentations have learned."""
        return {
            "learning": self.learning.state_dict(),
            "discriminator": self.parts.discriminator.state_dict(),
            "average": self.average.state_dict(),
            "augmentations": self.augmentations.state_dict(),
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.learning.load_state_dict(state["learning"])
        self.parts.discriminator.load_state_dict(state["discriminator"])
        self.average.load_state_dict(state["average"])
        self.augmentations.load_state_dict(state["augmentations"])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])


def _first(round: Round, count: int) -> Round:
    """The rows of a round that stand for captions: what the discriminator learns from."""
    if len(round.generated.images[-1]) == count:
        return round

    def cut(values: tuple[Tensor | None, ...]) -> list[Any]:
        return [value if value is None else value[:count] for value in values]

    assert round.condition is not None
    return replace(
        round,
        generated=Generated(*(tuple(cut(group)) for group in round.generated)),
        text=Text(*cut(round.text)),
        real=tuple(cut(round.real)),
        sentence=None if round.sentence is None else round.sentence[:count],
        condition=Condition(*cut(round.condition)),
        noise=None if round.noise is None else round.noise[:count],
    )


def interpolated(text: Text, share: float) -> Text:
    """A batch of texts, and after them half as many between its two halves.

    GAN-INT (arXiv:1605.05396), section 4.3, equation 5: share * t1 + (1 - share) * t2. Words are those of t1.
    """
    half = len(text.sentence) // 2
    between = torch.lerp(text.sentence[half : 2 * half], text.sentence[:half], share)  # [B//2,D]
    words, mask = (None if t is None else torch.cat([t, t[:half]]) for t in (text.words, text.mask))
    return Text(torch.cat([text.sentence, between]), words, mask)


def mismatched(
    strategy: Mismatch, count: int, labels: Tensor | None, source: torch.Generator, sentences: Tensor
) -> tuple[Tensor, Tensor] | None:
    """Pairs [M], [M] of an image and a sentence that is not its own; None for a batch of one.

    nearest: every image with the most similar sentence of the batch, of another class where there is one.
    other-class: every image with a sentence of another class, where the batch has one, else with any other.
    permute: every image with another's. roll: image i with sentence i + 1, the last with the first (DF-GAN).
    shift: the same without the last (AttnGAN). retry-once: every image with any other's sentence, sampled
    once more where that is of its own class (StackGAN++'s bug: the second may be too). shuffle: a permutation
    that may leave images with their own sentence (T2F's bug).
    """
    if count < 2:
        return None
    rows = torch.arange(count)
    if strategy == "nearest":
        return rows, nearest(sentences, labels)
    if strategy == "shift":
        return rows[:-1], rows[1:]
    if strategy == "roll":
        return rows, (rows + 1) % count
    if strategy == "shuffle":
        return rows, torch.randperm(count, generator=source)
    if strategy == "retry-once" and labels is not None:
        first, second = (rows + torch.randint(1, count, (2, count), generator=source)) % count
        return rows, torch.where(labels[first] == labels, second, first)
    if strategy != "other-class" or labels is None:  # a cyclic shift by a random distance has no fixed point
        return rows, (rows + torch.randint(1, count, (), generator=source)) % count
    score = torch.rand(count, count, generator=source)  # the highest is chosen
    score += (labels[:, None] != labels[None, :]).float()
    score[rows, rows] = -1
    return rows, score.argmax(1)


def nearest(sentences: Tensor, labels: Tensor | None) -> Tensor:
    """For each of the sentences [B,D] the index [B] of the most similar other one, by centred cosine.

    Of another class, where the batch has one.
    """
    units = F.normalize(sentences.detach().float() - sentences.detach().float().mean(0), dim=1)
    similarity = (units @ units.T).cpu()
    if labels is not None:
        similarity -= 3.0 * (labels[:, None] == labels)
    return similarity.fill_diagonal_(-9.0).argmax(1)
