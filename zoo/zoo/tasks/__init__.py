"""What a recipe's `task` does with a batch: one module a task, each an object with the same few methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from zoo_registry.contracts import Loss, Round
from zoo_registry.recipe import Choice

from ..data.images import Batch


class Task(Protocol):
    """One way to train the parts of a recipe.

    Steps count from 0 and are pure functions of (state, batch, step).
    """

    def step(self, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Learn from one batch; the named terms, detached."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        ...


def total(
    choices: Sequence[Choice], losses: Sequence[Loss], round: Round, player: str
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum of all losses for one player ("generator" or "discriminator"), and its terms
    unweighted.

    The one place that weighs and sums. choices: the recipe's, whose weights may change with the step; a loss
    that weighs nothing is not computed.
    """
    sums: list[Tensor] = []
    named: dict[str, Tensor] = {}
    for choice, loss in zip(choices, losses, strict=True):
        weight = choice.weight(round.step)
        for name, term in (getattr(loss, player)(round) if weight else {}).items():
            sums.append(weight * term)
            key = f"{player}/{name}"
            if key in named:  # one loss twice, with other settings
                key += f" {sum(other.startswith(key) for other in named) + 1}"
            named[key] = term.detach()
    return torch.stack(sums).sum() if sums else torch.zeros(()), named
