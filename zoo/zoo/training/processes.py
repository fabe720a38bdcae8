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
