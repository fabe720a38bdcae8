"""Which step trains what: the epochs of a recipe as steps, one segment a side where the generator grows.

Progressive growing: ProGAN (arXiv:1710.10196), section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from zoo_registry import Recipe, ZooError
from zoo_registry.contracts import Phase
from zoo_registry.training import GanTraining, Growth, MatchTraining

_SMALLEST = 4  # R at which a growing generator begins


@dataclass(frozen=True)
class Segment:
    """Steps that train at one side with one batch size."""

    side: int  # R of the largest image drawn
    first: int  # step
    steps: int
    batch_size: int
    epoch: int  # steps
    fade: int  # steps in which the side is blended in


@dataclass(frozen=True)
class Schedule:
    """The segments of a training, in order. Steps count from 0; later ones are as the last."""

    segments: tuple[Segment, ...]

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return self.segments[-1].first + self.segments[-1].steps

    def at(self, step: int) -> Segment:
        """The segment that a step belongs to."""
        return [segment for segment in self.segments if segment.first <= step][-1]

    def phase(self, step: int) -> Phase:
        """How far a growing network has grown in a step: the first one of a fade blends in a little."""
        segment = self.at(step)
        done = step - segment.first + 1
        return Phase(segment.side, 1.0 if done >= segment.fade else done / segment.fade)

    def epoch(self, step: int) -> int:
        """Whole epochs before a step."""
        here = self.at(step)
        before = sum(s.steps // s.epoch for s in self.segments if s.first < here.first)
        return before + (step - here.first) // here.epoch


def constant(side: int, count: int, batch_size: int, epochs: int = 1) -> Schedule:
    """Every step alike, on `count` pictures. Raises `ZooError` where they do not fill a batch."""
    epoch = _epoch(count, batch_size)
    return Schedule((Segment(side, 0, epochs * epoch, batch_size, epoch, 0),))


def schedule(recipe: Recipe, count: int, classes: int = 0) -> Schedule:
    """The steps of a recipe on `count` pictures of so many `classes`.

    Raises `ZooError` for a growth that the generator cannot take.
    """
    train, side = recipe.train, side_of(recipe)
    growth: Sequence[Growth] = (Growth(side=side, epochs=train.epochs, fade=0.0),)
    if isinstance(train, GanTraining) and "growing" in recipe.parts["generator"].gives:
        growth = _growth(train, side)
    sizes = [part.batch_size or train.batch_size for part in growth]
    epochs = [_epoch(count, size) for size in sizes]
    if isinstance(train, MatchTraining) and train.classes_as_units:
        epochs = [max(classes, 1)]  # as in the authors' code (arXiv:1605.05395)
    steps = [part.epochs * epoch for part, epoch in zip(growth, epochs, strict=True)]
    if train.steps is not None:
        ends = [round(train.steps * share / sum(p.epochs for p in growth)) for share in _sums(growth)]
        steps = [end - begin for begin, end in pairwise([0, *ends])]
        if 0 in steps:
            raise ZooError(f"train.steps: {train.steps} steps are too few for {len(growth)} sides")
    firsts = [0, *accumulate(steps)]
    return Schedule(
        tuple(
            # the first side has nothing to be blended with
            Segment(part.side, first, number, size, epoch, round(part.fade * number) if first else 0)
            for part, first, number, size, epoch in zip(growth, firsts, steps, sizes, epochs, strict=False)
        )
    )


def _epoch(count: int, batch_size: int) -> int:
    """Steps; what does not fill a batch is left out."""
    if count < batch_size:
        raise ZooError(f"batch_size is {batch_size}, but the data set has only {count} pictures")
    return count // batch_size


def _sums(growth: Sequence[Growth]) -> list[int]:
    return list(accumulate(part.epochs for part in growth))


def _growth(train: GanTraining, largest: int) -> Sequence[Growth]:
    """What the recipe says, checked; where it says nothing, every side from the smallest is trained alike."""
    doublings = [side for side in (_SMALLEST << i for i in range(16)) if side <= largest]
    if not train.growth:
        return [Growth(side=side, epochs=train.epochs) for side in doublings]
    sides = [part.side for part in train.growth]
    if any(large != 2 * small for small, large in pairwise(sides)) or not set(sides) <= set(doublings):
        raise ZooError(
            f"train.growth: sides that double, out of {', '.join(map(str, doublings))} for this generator, "
            f"are wanted, found {', '.join(map(str, sides))}"
        )
    return train.growth


def side_of(recipe: Recipe) -> int:
    """R of the pictures that a recipe trains on."""
    if isinstance(recipe.train, MatchTraining):
        return recipe.train.side
    choice = recipe.parts["generator"]
    return int(choice.component.load().largest_side(choice.settings))
