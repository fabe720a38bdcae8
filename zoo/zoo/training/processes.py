"""Several processes: gradients are averaged by hand after the backward pass.

DistributedDataParallel hooks `forward` alone, while a discriminator is called through `features` and `score`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from accelerate import PartialState
from accelerate.utils import reduce
from torch import Tensor, nn

from zoo_registry import ZooError

from ..devices import device_named


def processes_on(device: str | None) -> PartialState:
    """The processes that train, on a device by its name; None: the best there is, one a process.

    Raises `ZooError` for a device that is not here, and for another than the launcher gives.
    """
    named = device_named(device)
    state = PartialState(cpu=named.type == "cpu" and device is not None)
    if device is None:
        return state
    if named.index is not None and state.num_processes > 1:
        raise ZooError(f"device {device!r}: of several processes each gets its card from the launcher")
    if named.index is not None:
        torch.cuda.set_device(named)  # what "cuda" means from here on
    if device_of(state).type != named.type:
        raise ZooError(f"device {device!r}: accelerate was set up for {device_of(state)} in this process")
    return state


def device_of(state: PartialState) -> torch.device:
    """The device of this process."""
    device = state.device
    assert device is not None
    return device


def average_gradients(parameters: Iterable[nn.Parameter], state: PartialState) -> None:
    """Make every process hold the mean gradient."""
    if state.num_processes == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = cast("Tensor", reduce(torch.cat([g.reshape(-1) for g in gradients]), reduction="mean"))
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
