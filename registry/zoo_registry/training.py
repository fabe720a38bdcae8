"""Settings of training, `train = { … }` in a recipe: one model a task."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt

Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]


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


class GanTraining(Training):
    """Task `gan`: the discriminators, then the generator."""

    generator_lr: PositiveFloat = 2e-4
    discriminator_lr: PositiveFloat = 2e-4
    ema: Decay = 0.999  # of the generator's side: parameters and buffers
    mismatch: Literal["other-class", "permute", "shift"] = (
        "other-class"  # whose sentence a mismatched pair takes
    )
    sample_every: PositiveInt = 500  # steps between sample grids


class MatchTraining(Training):
    """Task `match`: both encoders towards one space (DAMSM pretraining, arXiv:1711.10485, section 3.2)."""

    lr: PositiveFloat = 2e-3
    lr_decay: Share = 0.98  # factor an epoch
    lr_floor: Share = 0.1  # of lr
    clip: PositiveFloat | None = 0.25  # gradient norm of the text encoder
    side: PositiveInt = 299  # of the pictures
    validate_every: PositiveInt | None = None  # steps; None: once an epoch
    held_out: PositiveInt = 500  # most pictures of the held-out split that retrieval is measured on


TASKS: dict[str, type[Training]] = {"gan": GanTraining, "match": MatchTraining}

REQUIRED: dict[str, tuple[str, ...]] = {
    "gan": ("text_encoder", "conditioning", "generator", "discriminator"),
    "match": ("text_encoder", "image_encoder"),
}
"""The parts that a task cannot do without."""
