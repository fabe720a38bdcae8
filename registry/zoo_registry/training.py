"""Settings of training, `train = { … }` in a recipe: one model a task."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)

Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Mismatch = Literal["nearest", "other-class", "permute", "shift", "roll", "shuffle", "retry-once"]


class Training(BaseModel):
    """What every task has."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    epochs: PositiveInt = 1
    steps: PositiveInt | None = None  # overrules epochs
    batch_size: PositiveInt = 16
    betas: tuple[Decay, Decay] = (0.5, 0.999)
    precision: Literal["float32", "bf16"] = "float32"  # bf16: autocast; weights stay float32
    seed: NonNegativeInt = 0
    workers: NonNegativeInt = 0  # loader processes
    log_every: PositiveInt = 10  # steps between lines of log.jsonl
    checkpoint_every: PositiveInt = 1000  # steps


class GrowthStage(BaseModel):
    """How long a growing network trains at one resolution (ProGAN, arXiv:1710.10196, section 2)."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    resolution: PositiveInt
    epochs: PositiveInt = 1  # where `steps` is set: this resolution's share of them
    batch_size: PositiveInt | None = None  # None: that of the whole training
    fade: Share = 0.5  # share of these epochs in which alpha goes from 0 to 1


class Evaluation(BaseModel):
    """What is measured while a generator trains, on the data set that it trains with."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    every: PositiveInt  # steps
    metrics: tuple[str, ...]  # protocols, or metrics
    changes: tuple[str, ...] = ()  # values of theirs, as "kid.features=judge"
    images: PositiveInt | None = None  # generated for each; None: as many as the protocol asks for
    best: str | None = None  # "METRIC" or "METRIC/SCORE": the model is the best by it, not the newest


class GanTraining(Training):
    """Task `gan`: the discriminators, then the generator."""

    generator_lr: PositiveFloat = 2e-4
    discriminator_lr: PositiveFloat = 2e-4
    lr_decay: Share = 1.0  # factor of both rates every `lr_decay_epochs`
    lr_decay_epochs: PositiveInt = 1
    ema: Decay = 0.999  # of the generator and its encoders: parameters and buffers
    ema_overwrites: PositiveInt | None = None  # steps; the live weights become their average (a bug)
    mismatch: Mismatch = "other-class"  # whose sentence a mismatched pair takes
    interpolate: Share | None = (
        None  # b: also generate from b x + (1 - b) y of the batch's sentences (GAN-INT)
    )
    growth: tuple[GrowthStage, ...] = ()  # of a growing generator, small to large; (): every resolution alike
    fade_real: bool = True  # while a resolution is faded in, so are the real images
    sample_every: PositiveInt = 500  # steps between sample grids
    evaluate: Evaluation | None = None


class MatchTraining(Training):
    """Task `match`: both encoders towards one space (DAMSM pretraining, arXiv:1711.10485, section 3.2)."""

    optimiser: Literal["adam", "rmsprop"] = "adam"
    lr: PositiveFloat = 2e-3
    lr_decay: Share = 0.98  # factor an epoch
    lr_floor: Share = 0.1  # of lr
    clip: NonNegativeFloat = 0.25  # gradient norm of the text encoder; 0: not clipped
    resolution: PositiveInt = 299  # of the images
    # a batch holds one image of each of `batch_size` classes, an epoch as many batches as there are classes
    classes_as_units: bool = False
    validate_every: PositiveInt | None = None  # steps; None: once an epoch
    held_out: PositiveInt = 500  # most images of the held-out split that retrieval is measured on


class InvertTraining(Training):
    """Task `invert`: a style encoder learns a trained generator's noise (arXiv:1605.05396, section 4.5)."""

    lr: PositiveFloat = 2e-4
    validate_every: PositiveInt = 500  # steps
    held_out: PositiveInt = 256  # generated images that it is measured on


TASKS: dict[str, type[Training]] = {"gan": GanTraining, "match": MatchTraining, "invert": InvertTraining}

REQUIRED: dict[str, tuple[str, ...]] = {
    "gan": ("generator", "discriminator"),
    "match": ("text_encoder", "image_encoder"),
    "invert": ("generator", "style_encoder"),
}
"""The parts that a task cannot do without."""
