"""Which images a step takes, where its task says nothing else."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zoo_registry.contracts import Sampler, Segment
from zoo_registry.errors import ZooError


class Shuffled(Sampler):
    """Each epoch goes through a new order of all images; what does not fill a step is left out."""

    def __init__(self) -> None:
        self._epoch = (-1, -1)
        self._order = torch.empty(0)

    def epoch(self, images: int, classes: int, batch_size: int, batches: int) -> int:
        """Steps; raises `ZooError` where the images do not fill one."""
        if images < batch_size * batches:
            times = f" and a step takes {batches}" if batches > 1 else ""
            raise ZooError(f"batch_size is {batch_size}{times}, but the data set has only {images} images")
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
