"""Training that has diverged: what is an error, what is a warning, and how a run goes back and on."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from zoo_registry import Recipe, ZooError

from ..files.run import Rollback, Run

WON, LONG = 0.01, 200
"""A discriminator whose adversarial terms stay below `WON` for `LONG` steps learns nothing more."""
_SAME = 1.0  # of 255 levels: images that differ less on average are one
_GRIDS = 2  # in a row


class DivergedError(ZooError):
    """Numbers that are not finite after a step; `what` names them."""

    def __init__(self, what: str, step: int) -> None:
        self.what, self.step = what, step
        super().__init__(f"{what} at step {step}")


def not_finite(terms: Mapping[str, float]) -> str:
    """The terms that are NaN or infinite, in words; "" where all are finite."""
    return ", ".join(f"{name} is {value}" for name, value in terms.items() if not math.isfinite(value))


def rolled_back(stage: Run, recipe: Recipe, to: int, diverged: DivergedError, run: Run) -> Rollback:
    """The return to step `to`, not recorded yet.

    Raises `ZooError` with what helps where the recipe stops instead, or has gone back often enough.
    """
    train, before = recipe.train, stage.environment().rollbacks
    if train.on_divergence == "rollback" and len(before) < train.rollbacks:
        return Rollback(step=to, why=str(diverged))
    kept = f"the checkpoint of step {to} is kept" if to else "there is no checkpoint yet"
    tried = f" after {len(before)} rollback{'s' if len(before) > 1 else ''}" if before else ""
    place = "".join("pretrain." for part in stage.folder.relative_to(run.folder).parts)
    rates = {
        name: value / 2
        for name, value in train.model_dump().items()
        if name == "lr" or (name.endswith("_lr") and isinstance(value, float))
    }
    smaller = [f"{name}={value:g}" for name, value in rates.items()]
    precise = ["precision=float32"] if train.precision == "bf16" else []
    how = "".join(f" --set {place}train.{change}" for change in [*smaller, *precise])
    again = "" if before else f", or with --set {place}train.on_divergence=rollback"
    go_on = f"zoo train --resume {run}{how}{again}"
    raise ZooError(f"{recipe.name}: {diverged}{tried}; {kept}; smaller rates may help: {go_on}")


def share_of_rates(rollbacks: Sequence[Rollback], step: int) -> float:
    """What is left of the learning rates at a step, from 0: halved by every rollback to it or before."""
    return 0.5 ** sum(rollback.step <= step for rollback in rollbacks)


@contextmanager
def scaled(optimiser: torch.optim.Optimizer, share: float) -> Iterator[None]:
    """The optimiser with this share of its learning rates."""
    rates = [group["lr"] for group in optimiser.param_groups]
    for group, rate in zip(optimiser.param_groups, rates, strict=True):
        group["lr"] = rate * share
    try:
        yield
    finally:
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate


class Signs:
    """Warns of what may yet recover: a discriminator that has won, a generator that ignores its noise.

    Each is told once. name: of the recipe.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._won_since: int | None = None
        self._alike = 0  # grids in a row
        self._told: set[str] = set()

    def terms(self, step: int, terms: Mapping[str, float]) -> None:
        """Look at logged terms. Those that both players have are the game's, others regularise."""
        game = {
            name: value
            for name, value in terms.items()
            if name.startswith("discriminator/") and name.replace("discriminator", "generator", 1) in terms
        }
        if not game or any(abs(value) >= WON for value in game.values()):
            self._won_since = None
            return
        self._won_since = step if self._won_since is None else self._won_since
        if step - self._won_since >= LONG:
            self._tell(
                "won",
                f"{', '.join(game)} below {WON} from step {self._won_since} to {step}: the discriminator has "
                "won, or tells nothing; a smaller learning rate of the discriminator, a gradient penalty "
                "(zoo list loss) or augmentations may help",
            )

    def grid(self, step: int, images: Tensor, per_caption: int) -> None:
        """Look at a sample grid [N,3,R,R] in [-1, 1], so many images of each caption after one another."""
        by_caption = images.float().unflatten(0, (-1, per_caption))
        apart = float((by_caption - by_caption.mean(1, keepdim=True)).abs().mean()) * 127.5
        # before that, many a generator has learnt nothing of its noise yet
        self._alike = self._alike + 1 if apart < _SAME and step > LONG else 0
        if self._alike >= _GRIDS:
            self._tell(
                "collapsed",
                f"one image per caption at step {step}, whatever the noise: those of a caption differ by "
                f"{apart:.2f} of 255 levels; the generator may have collapsed; augmentations or a smaller "
                "learning rate of the generator may help",
            )

    def _tell(self, sign: str, what: str) -> None:
        if sign not in self._told:
            self._told.add(sign)
            warnings.warn(f"{self.name}: {what}", stacklevel=3)
