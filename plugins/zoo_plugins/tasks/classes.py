"""Batches whose units are classes: arXiv:1605.05395, the authors' code."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zoo_registry import ZooError
from zoo_registry.contracts import Sampler, Segment


class OneOfEachClass(Sampler):
    """A batch holds one image of each of as many classes, sampled anew each step.

    An epoch has as many batches as there are classes.
    """

    def epoch(self, images: int, classes: int, batch_size: int, batches: int) -> int:
        """As many steps as there are classes."""
        if classes == 0:
            raise ZooError(
                'a batch holds classes, and some images have none: give each a "class" in its metadata, or '
                "train without: --set train.classes_as_units=false"
            )
        if classes < batch_size * batches:
            fewer = f"; or fewer at a time: --set train.batch_size={classes // batches}"
            raise ZooError(
                f"a batch holds {batch_size * batches} classes, and there are {classes}: train without: "
                f"--set train.classes_as_units=false{fewer if classes > batches else ''}"
            )
        return classes

    def indices(
        self,
        step: int,
        segment: Segment,
        size: int,
        images: int,
        labels: Tensor | None,
        seeded: Callable[..., torch.Generator],
    ) -> Tensor:
        """One image of each of `size` classes: [size]."""
        assert labels is not None
        source = seeded(step, "classes")
        chosen = torch.randperm(int(labels.max()) + 1, generator=source)[:size]
        score = torch.rand(images, generator=source)  # a class's image with the highest is taken
        return torch.where(labels == chosen[:, None], score, -1.0).argmax(1)  # [size,images]
