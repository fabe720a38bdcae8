"""The steps of a recipe: their number, size, resolution and epoch."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.training.schedule import Schedule, constant, schedule
from zoo_registry import Recipe, ZooError, catalogue


def plan(images: int = 24, classes: int = 0, **train: Any) -> Schedule:
    table = {
        "zoo": 1,
        "name": "growing",
        "task": "gan",
        "generator": {"use": "progressive", "depth": 3, "width": 8},
        "discriminator": {"use": "progressive", "width": 8},
        "losses": [{"use": "bce"}],
        "train": {"batch_size": 4} | train,
    }
    return schedule(Recipe.read(table, catalogue()), images, classes)


GROWTH = [
    {"resolution": 4, "epochs": 1, "fade": 0.5},
    {"resolution": 8, "epochs": 2, "fade": 0.5, "batch_size": 6},
    {"resolution": 16, "epochs": 1, "fade": 0.0},
]


def test_epochs_make_the_steps() -> None:
    found = plan(growth=GROWTH)
    assert [(s.resolution, s.first, s.steps, s.batch_size, s.epoch, s.fade) for s in found.segments] == [
        (4, 0, 6, 4, 6, 0),  # nothing to fade from
        (8, 6, 8, 6, 4, 4),
        (16, 14, 6, 4, 6, 0),
    ]
    assert found.steps == 20
    assert found.grows
    assert [found.epoch(step) for step in (5, 6, 9, 10, 13, 14, 19, 20)] == [0, 1, 1, 2, 2, 3, 3, 4]
    assert [found.at(step).resolution for step in (0, 5, 6, 13, 14, 500)] == [4, 4, 8, 8, 16, 16]


def test_given_steps_are_shared_by_epochs() -> None:
    assert [s.steps for s in plan(growth=GROWTH, steps=10).segments] == [2, 6, 2]
    assert [s.first for s in plan(growth=GROWTH, steps=10).segments] == [0, 2, 8]
    with pytest.raises(ZooError, match=r"train\.steps: 2 steps for 3 resolutions; .*train\.steps=3 or more"):
        plan(growth=GROWTH, steps=2)
    assert [s.steps for s in plan(growth=GROWTH, steps=4).segments] == [1, 2, 1]


def test_a_fade_ends_at_one() -> None:
    found = plan(growth=GROWTH)
    assert [found.growth(step).alpha for step in (0, 5, 6, 7, 8, 9, 13, 14)] == [
        *(1.0, 1.0, 0.25, 0.5, 0.75, 1.0, 1.0, 1.0)
    ]


def test_resolutions_from_the_smallest_to_the_generators_largest() -> None:
    found = plan(epochs=3, growth=[])
    assert [(s.resolution, s.steps) for s in found.segments] == [(4, 18), (8, 18), (16, 18)]
    for resolutions in ([8, 4], [4, 8, 16, 32], [4, 4], [2, 4]):
        with pytest.raises(ZooError, match=r"resolutions that double, out of 4, 8, 16, got"):
            plan(growth=[{"resolution": resolution} for resolution in resolutions])
    assert [s.resolution for s in plan(growth=[{"resolution": 8}, {"resolution": 16}]).segments] == [8, 16]


def test_every_step_alike() -> None:
    (segment,) = constant(32, count=21, batch_size=4, epochs=3).segments
    assert (segment.resolution, segment.first, segment.steps) == (32, 0, 15)
    assert (segment.batch_size, segment.epoch, segment.fade) == (4, 5, 0)
    assert not constant(32, 21, 4).grows
    assert constant(32, 21, 4).steps == 5
    assert constant(32, 21, 4).growth(0).alpha == 1.0


def test_networks_that_do_not_grow_have_one_segment() -> None:
    changes = ["train.epochs=2", "train.batch_size=8"]
    found = schedule(Recipe.read("attngan-birds", catalogue(), changes), 40)
    assert [(s.resolution, s.steps, s.epoch, s.fade) for s in found.segments] == [(256, 10, 5, 0)]
    assert not found.grows
    matching = [*changes, "train.resolution=32", "train.classes_as_units=true"]
    found = schedule(Recipe.read("damsm-birds", catalogue(), matching), 40, 20)
    assert [(s.resolution, s.steps, s.epoch) for s in found.segments] == [(32, 40, 20)]
