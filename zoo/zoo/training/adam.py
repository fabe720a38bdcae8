"""Adam over strided views of the weights, in the order of memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Adam(torch.optim.Adam):
    """torch's fused Adam, given every weight with its dimensions in the order of memory.

    Given a channels-last weight itself, it copies the gradient before every step, and walks a gradient or a
    state of another layout as if it were of the weight's. Its state is saved in the weights' own shapes.
    """

    def __init__(self, weights: Iterable[nn.Parameter], *, lr: float, betas: tuple[float, float]) -> None:
        self._weights = [weight for weight in weights if weight.requires_grad]
        self._orders = [_order(weight) for weight in self._weights]
        self._views = [
            weight.detach().permute(order) for weight, order in zip(self._weights, self._orders, strict=True)
        ]
        super().__init__(self._views, lr=lr, betas=betas, fused=True)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for weight in self._weights:
            weight.grad = None
        super().zero_grad(set_to_none)

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step along the weights' gradients."""
        for weight, view, order in zip(self._weights, self._views, self._orders, strict=True):
            view.grad = None if weight.grad is None else weight.grad.permute(order).contiguous()
        super().step()

    def state_dict(self) -> dict[str, Any]:
        """torch's, every value in the shape of its weight."""
        saved = super().state_dict()
        back = [_inverse(order) for order in self._orders]
        return {**saved, "state": _permuted(saved["state"], back)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take up a copy of what `state_dict` gave."""
        super().load_state_dict({**state_dict, "state": _permuted(state_dict["state"], self._orders)})


def _permuted(state: Mapping[int, Any], orders: Sequence[tuple[int, ...]]) -> dict[int, Any]:
    """A copy whose values have their dimensions in their weights' orders; a count of steps has none."""

    def permuted(value: Tensor, order: tuple[int, ...]) -> Tensor:
        return value.permute(order if value.dim() else ()).clone(memory_format=torch.contiguous_format)

    return {
        at: {name: permuted(value, orders[at]) for name, value in values.items()}
        for at, values in state.items()
    }


def _order(tensor: Tensor) -> tuple[int, ...]:
    """The dimensions from the one of the longest strides to that of the shortest."""
    strides = tensor.stride()
    return tuple(sorted(range(tensor.dim()), key=strides.__getitem__, reverse=True))


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(order.index(at) for at in range(len(order)))
