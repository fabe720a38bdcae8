"""Task `gan`: the discriminator, then the generator; the averaged weights are what samples.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, Literal, cast

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from zoo_registry.contracts import (
    Batch,
    Condition,
    ConditionSpec,
    Generated,
    GeneratorSpec,
    Phase,
    Plan,
    Round,
    Setup,
    Task,
    Text,
    TextSpec,
)
from zoo_registry.errors import nearest as nearest_name
from zoo_registry.training import Decay, Evaluation, GrowthStage, Share

from .mismatch import Mismatch, mismatched, of_process

GENERATING = ("text_encoder", "conditioning", "generator")
"""The parts that learn with the generator, as far as a recipe has them and does not freeze them."""


class Lazy(BaseModel):
    """Losses of the discriminator in a phase of their own, every n-th step and then n times as heavy.

    Lazy regularisation: StyleGAN2 (arXiv:1912.04958), appendix B.

    losses: their names in the recipe, as "r1". every: n, in steps.
    own_optimiser: an Adam for them alone; else they share the discriminator's, whose rate and betas are then
    corrected to c lr and betas^c, c = n / (n + 1).
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    losses: tuple[str, ...]
    every: PositiveInt = 16
    own_optimiser: bool = False


class Adversarial(Task):
    """The discriminator learns from real and generated images, then the generator from its judgement.

    Samples come from averaged weights. All rates are those of Adam.

    generator_lr: learning rate of the generator and its encoders.
    discriminator_lr: learning rate of the discriminator.
    lr_decay: factor of both rates every `lr_decay_epochs`. lr_decay_epochs: epochs between two decays.
    ema: decay per step of the average of the generator and its encoders, parameters and buffers.
    ema_overwrites: steps after which the live weights become their average each time (a bug of StackGAN++).
    critic_steps: updates of the discriminator a step, each on a batch and noise of its own (5 in
        arXiv:1704.00028); an epoch has so many times fewer steps. With 1, both learn from the same images.
    lazy: regularisers that have a phase of their own.
    mismatch: whose sentence a mismatched pair takes. "nearest": the most similar of the batch, of another
        class where there is one. "other-class": one of another class, where the batch has one. "permute":
        any other. "roll": image i has that of i + 1 (DF-GAN). "shift": the same without the last (AttnGAN).
        "retry-once": any other, sampled once more where it is of the same class (a bug of StackGAN++).
        "shuffle": a permutation, which may leave images with their own (a bug of T2F).
    reads: the discriminator's sentence input: the sentence, or the mean of the conditioning (StackGAN++).
    interpolate: b of GAN-INT: also generate from b x + (1 - b) y of the batch's sentences.
    growth: how long a growing generator trains at each resolution, small to large; empty: all alike.
    fade_real: whether real images are faded in with a new resolution; false is a bug of T2F.
    sample_every: steps between sample grids. evaluate: what is measured while training.
    """

    places: ClassVar[tuple[str, ...]] = ("generator", "discriminator")
    may_change: ClassVar[tuple[str, ...]] = (
        "generator_lr",
        "discriminator_lr",
        "lr_decay",
        "lr_decay_epochs",
        "sample_every",
        "evaluate",
    )
    about: ClassVar[str] = "A generative adversarial network"
    tags: ClassVar[tuple[str, ...]] = ("gan",)

    def __init__(
        self,
        setup: Setup,
        /,
        *,
        generator_lr: PositiveFloat = 2e-4,
        discriminator_lr: PositiveFloat = 2e-4,
        lr_decay: Share = 1.0,
        lr_decay_epochs: PositiveInt = 1,
        ema: Decay = 0.999,
        ema_overwrites: PositiveInt | None = None,
        critic_steps: PositiveInt = 1,
        lazy: Lazy | None = None,
        mismatch: Mismatch = "other-class",
        reads: Literal["sentence", "mean"] = "sentence",
        interpolate: Share | None = None,
        growth: tuple[GrowthStage, ...] = (),
        fade_real: bool = True,
        sample_every: PositiveInt = 500,
        evaluate: Evaluation | None = None,
    ) -> None:
        self.setup, self.parts = setup, setup.parts
        self.ema_overwrites, self.lazy = ema_overwrites, lazy
        self.mismatch: Mismatch = mismatch
        self.reads, self.interpolate, self.fade_real = reads, interpolate, fade_real
        self.shared = critic_steps == 1  # whether both players learn from the same generated images
        self.discriminator = setup.parts["discriminator"].train()
        self.spec: GeneratorSpec = setup.parts["generator"].spec
        self.learning = setup.learning(*GENERATING)
        if "image_encoder" in setup.parts:
            setup.parts["image_encoder"].requires_grad_(False)
        self.augmentations = nn.ModuleList(setup.augmentations)
        self.average = AveragedModel(self.learning, multi_avg_fn=get_ema_multi_avg_fn(ema), use_buffers=True)

        def rate(lr: float) -> Callable[[int], float]:
            return lambda step: lr * lr_decay ** (setup.epoch(step) // lr_decay_epochs)

        betas = setup.training.betas
        share = 1.0 if lazy is None or lazy.own_optimiser else lazy.every / (lazy.every + 1)
        corrected = discriminator_lr * share
        judging = setup.adam(
            self.discriminator.parameters(), lr=corrected, betas=(betas[0] ** share, betas[1] ** share)
        )
        self.phases = [
            Phase("discriminator", self.discriminator, judging, repeats=critic_steps, lr=rate(corrected))
        ]
        if lazy is not None:
            optimiser = judging
            if lazy.own_optimiser:
                optimiser = setup.adam(self.discriminator.parameters(), lr=corrected, betas=betas)
            self.phases.append(
                Phase("regularisation", self.discriminator, optimiser, every=lazy.every, lr=rate(corrected))
            )
        generating = setup.adam(self.learning.parameters(), lr=generator_lr, betas=betas)
        self.phases.append(Phase("generator", self.learning, generating, lr=rate(generator_lr)))
        self.prompt = tuple(name for name in setup.losses if lazy is None or name not in lazy.losses)
        self.round: Round | None = None  # what the generator learns from
        self.detached: Round | None = None  # what the discriminator learns from

    @classmethod
    def plan(cls, settings: Any, /) -> Plan:
        """Grids, metrics, growth, and a batch for each of the critic's updates."""
        needs = {"reads": "gaussian"} if settings.reads == "mean" else {}
        if settings.growth:
            needs["growth"] = "growing"
        return Plan(
            batches=settings.critic_steps,
            growth=settings.growth,
            needs=needs,
            samples_every=settings.sample_every,
            evaluate=settings.evaluate,
        )

    @classmethod
    def problems(cls, settings: Any, losses: Sequence[str], /) -> Iterable[str]:
        """Lazy losses that the recipe has not, and a loss that reads words where some text has none."""
        if settings.interpolate is not None and "redescription" in losses:
            yield (
                "train.interpolate: text between captions has no words for the loss 'redescription'; "
                "leave one of the two out"
            )
        for name in settings.lazy.losses if settings.lazy else ():
            if name not in losses:
                yield f"train.lazy.losses: no loss of the recipe is {name!r}{nearest_name(name, losses)}"

    @classmethod
    def wires(cls, settings: Any, place: str, wires: Mapping[type, Any], /) -> Mapping[type, Any]:
        """A discriminator that reads the mean is as wide as the condition."""
        if place == "discriminator" and settings.reads == "mean":
            return {**wires, TextSpec: TextSpec(wires[ConditionSpec].width)}
        return wires

    def loss(self, phase: str, batch: Batch, step: int, repeat: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The losses' terms for one of the players."""
        if phase == "discriminator":
            with torch.set_grad_enabled(self.shared):
                self.round = self._round(batch, step, () if self.shared else (phase, repeat))
            self.detached = _first(self.round, len(batch.captions)).detach()
            return self.setup.total(self.detached, "discriminator", self.prompt)
        if phase == "regularisation":
            assert self.lazy is not None
            assert self.detached is not None
            again = replace(
                self.detached
            )  # without the features, which the discriminator had before it learnt
            loss, terms = self.setup.total(again, "discriminator", self.lazy.losses)
            return self.lazy.every * loss, terms
        if not self.shared:
            self.round = self._round(batch, step, (phase,))
        assert self.round is not None
        with _without_gradient(self.discriminator):
            return self.setup.total(self.round, "generator")

    def updated(self, phase: str, step: int) -> None:
        """Augmentations adapt after the discriminator, the average follows after the generator."""
        if phase == "discriminator" and self.augmentations:
            self._adapt()
        elif phase == "generator":
            self.average.update_parameters(self.learning)
            if self.ema_overwrites is not None and (step + 1) % self.ema_overwrites == 0:
                self.learning.load_state_dict(self.average.module.state_dict())
            self.round = self.detached = None

    def _round(self, batch: Batch, step: int, key: tuple[int | str, ...]) -> Round:
        """Generate one image per caption, and between some captions where the recipe interpolates."""
        setup, parts = self.setup, self.parts
        source = setup.seeded(step, 0, *key, "noise")  # the same in every process
        count = len(batch.captions)
        extra = 0 if self.interpolate is None else count // 2
        noise = setup.noise(count + extra, self.spec.noise_width, source)
        code_noise = setup.noise(count + extra, setup.code_width, source)
        with torch.set_grad_enabled(torch.is_grad_enabled() and "text_encoder" in self.learning):
            text = setup.read(batch.captions)
        if self.interpolate is not None:
            text = interpolated(text, self.interpolate)
        condition = setup.condition(text, code_noise)
        growth = setup.growth(step)
        generated: Generated = parts["generator"](noise, condition, text, growth)
        pairs = self._pairs(batch, text, source)
        if setup.processes > 1:  # augmentations and the points of a gradient penalty are of each process
            source = setup.seeded(step, setup.process, *key, "own")
        sentence = None
        if "text_encoder" in parts:
            sentence = condition.mean if self.reads == "mean" else text.sentence.detach()
        real = self._real(batch, step)
        return Round(
            generated=generated,
            text=text,
            real=tuple(torch.cat([image, image[:extra]]) if extra else image for image in real),
            sentence=sentence,
            condition=condition,
            noise=noise,
            captions=batch.captions,
            labels=None if batch.labels is None else self._labels(batch.labels, extra).to(setup.device),
            mismatch=None if pairs is None else (pairs[0].to(setup.device), pairs[1].to(setup.device)),
            growth=growth,
            step=step,
            source=source,
            discriminator=self.discriminator,
            image_encoder=parts.get("image_encoder"),
            augment=(lambda images: self._augmented(images, source)) if self.augmentations else None,
            gather=setup.gather if setup.processes > 1 else None,
        )

    def _pairs(self, batch: Batch, text: Text, source: torch.Generator) -> tuple[Tensor, Tensor] | None:
        """The mismatched pairs of the images of this process, with sentences of all."""
        setup, count = self.setup, len(batch.captions)
        labels = None if batch.labels is None else setup.gather(batch.labels)
        sentences = setup.gather(text.sentence[:count].detach())
        pairs = mismatched(self.mismatch, count * setup.processes, labels, source, sentences)
        return None if pairs is None else of_process(pairs, setup.process, count)

    def _labels(self, labels: Tensor, extra: int) -> Tensor:
        """Of captions [B] and of so many midpoints, each a class of its own: [B+extra]."""
        return torch.cat([labels, -1 - self.setup.process * extra - torch.arange(extra)])

    def _real(self, batch: Batch, step: int) -> tuple[Tensor, ...]:
        """The real images at the resolutions that are generated now, faded like them."""
        growth = self.setup.growth(step)
        real = self.setup.images(batch.pixels, self.spec.resolutions_at(growth))
        if growth.alpha < 1 and self.fade_real:
            coarse = F.interpolate(F.avg_pool2d(real[-1], 2), scale_factor=2.0)
            real = (*real[:-1], torch.lerp(coarse, real[-1], growth.alpha))
        return tuple(image.contiguous(memory_format=torch.channels_last) for image in real)

    def _augmented(self, images: tuple[Tensor, ...], source: torch.Generator) -> tuple[Tensor, ...]:
        for augmentation in self.augmentations:
            images = tuple(augmentation(image, source) for image in images)
        return images

    @torch.no_grad()
    def _adapt(self) -> None:
        assert self.detached is not None
        scores = self.discriminator.score(self.detached.real_features, self.detached.head_inputs[0])
        scores = tuple(self.setup.gather(score) for score in scores)  # every process adapts alike
        for augmentation in self.setup.augmentations:
            augmentation.adapt(scores)

    def averaged(self) -> Mapping[str, nn.Module]:
        """The averaged weights of the generator and what learns with it."""
        return dict(cast("nn.ModuleDict", self.average.module))

    @property
    def state(self) -> Mapping[str, Any]:
        """Weights, their average, and what augmentations have learned."""
        return {
            "learning": self.learning,
            "discriminator": self.discriminator,
            "average": self.average,
            "augmentations": self.augmentations,
        }


@contextmanager
def _without_gradient(module: nn.Module) -> Iterator[None]:
    """The module's weights ask for no gradient inside the block; gradients flow through to its input."""
    trainable = [p for p in module.parameters() if p.requires_grad]
    for parameter in trainable:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)


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
        labels=None if round.labels is None else round.labels[:count],
    )


def interpolated(text: Text, share: float) -> Text:
    """A batch of texts, and after them half as many between its two halves.

    GAN-INT (arXiv:1605.05396), section 4.3, equation 5: share * t1 + (1 - share) * t2. Words are those of t1.
    """
    half = len(text.sentence) // 2
    between = torch.lerp(text.sentence[half : 2 * half], text.sentence[:half], share)  # [B//2,D]
    words, mask = (None if t is None else torch.cat([t, t[:half]]) for t in (text.words, text.mask))
    return Text(torch.cat([text.sentence, between]), words, mask)
