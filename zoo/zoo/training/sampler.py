"""Which images a step takes, where its task says nothing else."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zoo_registry.contracts import Sampler, Segment
from zoo_registry.errors import ZooError


def too_few(count: int, what: str, batch_size: int, batches: int = 1) -> str:
    """What to say of data that do not fill a step, and the batch size that they fill."""
    times = f" and a step takes {batches} batches" if batches > 1 else ""
    fitting = 1 << ((count // batches).bit_length() - 1) if count >= 2 * batches else 0
    hint = f": --set train.batch_size={fitting}" if fitting else f"; expected {2 * batches} or more"
    return f"batch_size is {batch_size}{times}, but there are {count} {what} to train on{hint}"


class Shuffled(Sampler):
    """Each epoch goes through a new order of all images; what does not fill a step is left out."""

    def __init__(self) -> None:
        self._epoch = (-1, -1)
        self._order = torch.empty(0)

    def epoch(self, images: int, classes: int, batch_size: int, batches: int) -> int:
        """Steps; raises `ZooError` where the images do not fill one."""
        if images < batch_size * batches:
            raise ZooError(too_few(images, "images", batch_size, batches))
        return images // (batch_size * batches)

    def indices(
        self,
        step: int,
        segment: Segment,
        size: int,
        images: int,
        labels: Tensor | None,
        seeded: Callable[..., torch.Generator],
    ) -> Tensor:
        """The images [size] of a step, in the order of its epoch."""
        epoch, part = divmod(step - segment.first, segment.epoch)
        if (segment.first, epoch) != self._epoch:
            self._epoch = (segment.first, epoch)
            order = seeded(*((segment.first,) if segment.first else ()), epoch, "order")
            self._order = torch.randperm(images, generator=order)
        return self._order[part * size : (part + 1) * size]
