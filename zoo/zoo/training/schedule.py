"""Which step trains what: the epochs of a recipe as steps, one segment per resolution where the generator
grows.

Progressive growing: ProGAN (arXiv:1710.10196), section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from zoo_registry import Recipe, ZooError
from zoo_registry.contracts import Growth, Sampler, Segment
from zoo_registry.training import GrowthStage

from .sampler import Shuffled

_SMALLEST = 4  # R at which a growing generator begins


@dataclass(frozen=True)
class Schedule:
    """The segments of a training, in order. Steps count from 0; later ones are as the last.

    batches: of each step. grows: whether the generator grows in it.
    """

    segments: tuple[Segment, ...]
    batches: int = 1
    grows: bool = False

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return self.segments[-1].first + self.segments[-1].steps

    def ending(self, steps: int) -> Schedule:
        """The same with another end: the last segment is as much longer or shorter.

        Raises `ZooError` where nothing is left of it.
        """
        *before, last = self.segments
        if steps <= last.first:
            raise ZooError(
                f"train.steps: {steps} steps end before the last resolution, {last.resolution} px, which "
                f"begins after step {last.first}"
            )
        return replace(self, segments=(*before, replace(last, steps=steps - last.first)))

    def at(self, step: int) -> Segment:
        """The segment that a step belongs to."""
        return [segment for segment in self.segments if segment.first <= step][-1]

    def growth(self, step: int) -> Growth:
        """How far a growing network has grown at a step; the first step of a fade has an alpha above 0."""
        segment = self.at(step)
        done = step - segment.first + 1
        return Growth(segment.resolution, 1.0 if done >= segment.fade else done / segment.fade)

    def epoch(self, step: int) -> int:
        """Whole epochs before a step."""
        here = self.at(step)
        before = sum(s.steps // s.epoch for s in self.segments if s.first < here.first)
        return before + (step - here.first) // here.epoch


def constant(resolution: int, count: int, batch_size: int, epochs: int = 1) -> Schedule:
    """Every step alike, on `count` images. Raises `ZooError` where they do not fill a batch."""
    epoch = Shuffled().epoch(count, 0, batch_size, 1)
    return Schedule((Segment(resolution, 0, epochs * epoch, batch_size, epoch, 0),))


def schedule(recipe: Recipe, count: int, classes: int = 0) -> Schedule:
    """The steps of a recipe on `count` images of so many `classes`; 0 where some images have none.

    Raises `ZooError` for a growth that the generator cannot take.
    """
    train, resolution = recipe.train, resolution_of(recipe)
    plan = recipe.task.load().plan(train)
    stages: Sequence[GrowthStage] = (GrowthStage(resolution=resolution, epochs=train.epochs, fade=0.0),)
    generator = recipe.parts.get("generator")
    grows = False
    if plan.growth is not None and generator is not None and "growing" in generator.gives:
        grows = True
        stages = _stages(plan.growth, train.epochs, resolution)
    sizes = [part.batch_size or train.batch_size for part in stages]
    sampler: Sampler = plan.sampler or Shuffled()
    epochs = [sampler.epoch(count, classes, size, plan.batches) for size in sizes]
    steps = [part.epochs * epoch for part, epoch in zip(stages, epochs, strict=True)]
    if train.steps is not None:
        ends = [round(train.steps * share / sum(p.epochs for p in stages)) for share in _sums(stages)]
        steps = [end - begin for begin, end in pairwise([0, *ends])]
        if 0 in steps:
            raise ZooError(
                f"train.steps: {train.steps} steps for {len(stages)} resolutions; each needs one at least: "
                f"--set train.steps={len(stages)} or more"
            )
    firsts = [0, *accumulate(steps)]
    return Schedule(
        tuple(
            # the first resolution has no smaller one to fade from
            Segment(part.resolution, first, number, size, epoch, round(part.fade * number) if first else 0)
            for part, first, number, size, epoch in zip(stages, firsts, steps, sizes, epochs, strict=False)
        ),
        plan.batches,
        grows,
    )


def _sums(stages: Sequence[GrowthStage]) -> list[int]:
    return list(accumulate(part.epochs for part in stages))


def _stages(growth: Sequence[GrowthStage], epochs: int, largest: int) -> Sequence[GrowthStage]:
    """What the recipe says, checked; where it says nothing, every resolution is trained alike."""
    doublings = [resolution for resolution in (_SMALLEST << i for i in range(16)) if resolution <= largest]
    if not growth:
        return [GrowthStage(resolution=resolution, epochs=epochs) for resolution in doublings]
    resolutions = [part.resolution for part in growth]
    if any(large != 2 * small for small, large in pairwise(resolutions)) or not set(resolutions) <= set(
        doublings
    ):
        raise ZooError(
            f"train.growth: expected resolutions that double, out of {', '.join(map(str, doublings))}, "
            f"got {', '.join(map(str, resolutions))}"
        )
    return growth


def resolution_of(recipe: Recipe) -> int:
    """R of the images that a recipe trains on: its generator's largest, else its task's setting."""
    choice = recipe.parts.get("generator")
    if choice is None:
        resolution = recipe.task.load().plan(recipe.train).resolution
        assert resolution is not None, "a task without a generator has Plan.resolution"
        return resolution
    return int(choice.component.load().largest_resolution(choice.settings))
