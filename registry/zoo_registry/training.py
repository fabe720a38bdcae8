"""Settings of training, `train = { … }` in a recipe: those of every task, and values inside of them."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    create_model,
)

from .component import Component
from .schema import schema_of

Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class Training(BaseModel):
    """What every task has.

    epochs: passes over the training images. steps: instead of `epochs`, where set.
    batch_size: images a step, of all processes together.
    betas: decay rates of Adam's two averages.
    precision: "bf16": the forward passes under autocast; weights stay float32.
    seed: of everything random.
    workers: loader processes; 0: the training process loads.
    log_every: steps between lines of log.jsonl. checkpoint_every: steps between checkpoints.
    on_divergence: what follows numbers that are not finite. "rollback": the newest checkpoint with half the
        learning rates. rollbacks: most of a run; then it stops.
    log_with: trackers that get what log.jsonl gets, through Accelerate: "tensorboard", "wandb", …
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    epochs: PositiveInt = 1
    steps: PositiveInt | None = None
    batch_size: PositiveInt = 16
    betas: tuple[Decay, Decay] = (0.5, 0.999)
    precision: Literal["float32", "bf16"] = "float32"
    seed: NonNegativeInt = 0
    workers: Annotated[int, Field(ge=0, le=1024)] = 0
    log_every: PositiveInt = 10
    checkpoint_every: PositiveInt = 1000
    on_divergence: Literal["stop", "rollback"] = "stop"
    rollbacks: PositiveInt = 3
    log_with: tuple[str, ...] = ()


MAY_CHANGE = frozenset(
    {
        "epochs",
        "steps",
        "batch_size",
        "precision",
        "workers",
        "log_every",
        "log_with",
        "checkpoint_every",
        "on_divergence",
        "rollbacks",
    }
)
"""The settings of every task that a run can change when it goes on; a task says which of its own."""


class GrowthStage(BaseModel):
    """How long a growing network trains at one resolution (ProGAN, arXiv:1710.10196, section 2).

    resolution: R, in pixels. epochs: at this resolution; where `train.steps` is set, its share of them.
    batch_size: images a step; not set: that of the whole training.
    fade: share of these epochs in which alpha goes from 0 to 1.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    resolution: PositiveInt
    epochs: PositiveInt = 1
    batch_size: PositiveInt | None = None
    fade: Share = 0.5


class Evaluation(BaseModel):
    """What is measured while a generator trains, on the data set that it trains with.

    every: steps between two measurements. metrics: names of protocols, or of metrics.
    changes: values of theirs, as "METRIC.KEY=VALUE".
    images: generated for each; not set: as many as the protocol asks for.
    best: "METRIC" or "METRIC/SCORE": the model is the best by it; not set: the newest.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    every: PositiveInt
    metrics: tuple[str, ...]
    changes: tuple[str, ...] = ()
    images: PositiveInt | None = None
    best: str | None = None


@cache
def training_of(task: Component) -> type[Training]:
    """The settings of `train` with a task: those that every task has, then its own. Imports the task."""
    own = schema_of(task).settings
    if both := sorted(own.model_fields.keys() & Training.model_fields.keys()):
        raise TypeError(f"{task.target}: every task has the setting {both[0]!r} already")
    bases = cast("tuple[type[Training], ...]", (own, Training))
    return create_model(f"train with {task.name}", __base__=bases)
