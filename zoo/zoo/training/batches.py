"""The training batches, pure functions of (seed, step), and the processes that make them ahead."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from zoo_registry import ZooError
from zoo_registry.contracts import Batch, Sampler

from ..data.images import RANDOM_PER_IMAGE, ImageSet
from ..seeding import generator as seeded
from .sampler import Shuffled
from .schedule import Schedule


class Batches(Dataset[tuple[Batch, ...]]):
    """The training batches: item `step` is those of that step, a pure function of (seed, step).

    schedule: how many batches, and their size, of all processes together. Process `rank` of `world` gets its
    slice of every batch; the slices together are what one process alone would get.
    sampler: which images a step takes; None: `Shuffled`.
    """

    def __init__(
        self,
        image_set: ImageSet,
        schedule: Schedule,
        *,
        seed: int,
        sampler: Sampler | None = None,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        for size in {segment.batch_size for segment in schedule.segments}:
            if size % world or (size == world > 1):
                raise ZooError(
                    f"train.batch_size: {size} images a step, of {world} processes together; expected a "
                    f"multiple of {world} that gives each two or more"
                )
        self.image_set, self.schedule, self.seed = image_set, schedule, seed
        self._sampler = sampler or Shuffled()
        self._rank, self._world = rank, world

    def __getitem__(self, step: int) -> tuple[Batch, ...]:
        segment = self.schedule.at(step)
        size = segment.batch_size * self.schedule.batches
        indices = self._sampler.indices(
            step, segment, size, len(self.image_set), self.image_set.labels, partial(seeded, self.seed)
        )
        uniform = torch.rand(
            size, RANDOM_PER_IMAGE, dtype=torch.float64, generator=seeded(self.seed, step, "crops")
        )
        share = segment.batch_size // self._world
        firsts = range(self._rank * share, size, segment.batch_size)
        return tuple(
            self.image_set.cut(indices[at : at + share].tolist(), uniform[at : at + share]) for at in firsts
        )


def loader(
    batches: Batches, start: int, stop: int, *, workers: int = 0, pin: bool = False
) -> DataLoader[tuple[Batch, ...]]:
    """The batches of steps start to stop - 1, made ahead by `workers` processes, `pin`ned or not."""
    return DataLoader(
        batches,
        batch_size=None,
        sampler=range(start, stop),
        num_workers=workers,
        pin_memory=pin,
        collate_fn=_as_it_is,
        generator=torch.Generator(),  # else every loader would sample from the global generator
    )


def _as_it_is(batch: Any) -> Any:
    return batch  # the default would turn tuples into lists
