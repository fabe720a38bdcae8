"""What a recipe's `task` does with a batch: one module a task, each an object with the same few methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from zoo_registry.contracts import Loss, Round

from ..data.pictures import Batch


class Task(Protocol):
    """One way to train the parts of a recipe.

    Steps count from 0 and are pure functions of (state, batch, step).
    """

    sides: tuple[int, ...]  # of the pictures it wants, small to large

    def step(self, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Learn from one batch; the named terms, detached."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        ...


def take_up(optimiser: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Load an optimiser's state, each tensor in its parameter's memory layout.

    A fused step walks parameter and state as they lie in memory, and would mix up two layouts without a word.
    """
    optimiser.load_state_dict(dict(state))
    for parameter, values in optimiser.state.items():
        for name, value in values.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                values[name] = torch.empty_like(parameter).copy_(value)


def total(losses: tuple[Loss, ...], round: Round, side: str) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum of all losses for one side ("generator" or "discriminator"), and its terms unweighted.

    The one place that weighs and sums.
    """
    sums: list[Tensor] = []
    named: dict[str, Tensor] = {}
    for loss in losses:
        for name, term in getattr(loss, side)(round).items():
            sums.append(loss.weight * term)
            named[f"{side}/{name}"] = term.detach()
    return torch.stack(sums).sum() if sums else torch.zeros(()), named
