"""Growing networks: the schedule, runs without captions, resumed in mid-fade, models saved half grown."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from runs import KillAt, Killed, differing

import zoo
from zoo.training import trainer
from zoo.training.schedule import schedule
from zoo_registry import Recipe, RecipeError, ZooError, catalogue

GROWTH = [
    {"resolution": 4, "epochs": 1, "batch_size": 8},
    {"resolution": 8, "epochs": 2, "fade": 0.75},
    {"resolution": 16, "epochs": 1, "fade": 1.0},
]
RECIPE: dict[str, Any] = {
    "zoo": 1,
    "name": "growing",
    "task": "gan",
    "generator": {"use": "progressive", "depth": 3, "width": 8},
    "discriminator": {"use": "progressive", "width": 8},
    "losses": [{"use": "bce"}],
    "train": {
        "steps": 16,
        "batch_size": 4,
        "growth": GROWTH,
        "log_every": 1,
        "checkpoint_every": 1,
        "sample_every": 6,
    },
}
"""Without text. 4 px in steps 0 to 3, 8 px in 4 to 11 (faded in until 9), 16 px from 12."""


def read(**train: Any) -> Recipe:
    return Recipe.read({**RECIPE, "train": {**RECIPE["train"], **train}}, catalogue())


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images without a caption."""
    folder = tmp_path_factory.mktemp("images")
    for number in range(24):
        source = torch.Generator().manual_seed(number)
        pixels = torch.randint(256, (5, 5, 3), generator=source, dtype=torch.uint8).numpy()
        Image.fromarray(pixels).resize((24, 24)).save(folder / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="session")
def grown(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "grown"
    return zoo.train(RECIPE, f"images:{images}", out, device="cpu", quiet=True)


def test_steps_are_shared_among_the_resolutions() -> None:
    plan = schedule(read(), 24)
    assert [(s.resolution, s.first, s.steps, s.batch_size, s.fade) for s in plan.segments] == [
        (4, 0, 4, 8, 0),
        (8, 4, 8, 4, 6),
        (16, 12, 4, 4, 4),
    ]
    assert plan.steps == 16


def test_epochs_are_those_of_each_resolutions_batch_size() -> None:
    plan = schedule(read(steps=None), 24)
    assert [(s.steps, s.epoch) for s in plan.segments] == [(3, 3), (12, 6), (6, 6)]
    assert [plan.epoch(step) for step in (0, 2, 3, 8, 9, 14, 15)] == [0, 0, 1, 1, 2, 2, 3]


def test_a_resolution_is_faded_in_little_by_little() -> None:
    plan = schedule(read(), 24)
    growths = [plan.growth(step) for step in range(16)]
    assert [growth.resolution for growth in growths] == [4] * 4 + [8] * 8 + [16] * 4
    assert [round(growth.alpha, 3) for growth in growths[:4]] == [1.0] * 4, (
        "the first resolution has nothing below it"
    )
    assert [round(growth.alpha, 3) for growth in growths[4:12]] == [0.167, 0.333, 0.5, 0.667, 0.833, 1, 1, 1]
    for before, after in pairwise(growths[4:10]):
        assert after.alpha > before.alpha


def test_without_a_growth_every_resolution_is_trained_alike() -> None:
    plan = schedule(read(growth=[], steps=12), 24)
    assert [(s.resolution, s.steps, s.fade) for s in plan.segments] == [(4, 4, 0), (8, 4, 2), (16, 4, 2)]


@pytest.mark.parametrize(
    ("growth", "told"),
    [
        ([{"resolution": 4}, {"resolution": 16}], "out of 4, 8, 16, got 4, 16"),
        ([{"resolution": 16}, {"resolution": 32}], "got 16, 32"),
    ],
)
def test_resolutions_that_do_not_double_are_refused(growth: list[Any], told: str) -> None:
    with pytest.raises(ZooError, match=told):
        schedule(read(growth=growth), 24)


def test_a_growth_of_a_generator_that_does_not_grow_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"train.growth: needs growing, .*'dcgan' .*progressive"):
        Recipe.read({**RECIPE, "generator": {"use": "dcgan"}, "discriminator": {"use": "dcgan"}}, catalogue())


@pytest.mark.parametrize("steps", [3, 6, 13])
def test_killed_in_a_fade_and_resumed(grown: Path, images: Path, tmp_path: Path, steps: int) -> None:
    run = tmp_path / "run"
    killer = KillAt(steps)
    catalogue().manager.register(killer)
    try:
        with pytest.raises(Killed):
            zoo.train(RECIPE, f"images:{images}", run, device="cpu", quiet=True)
    finally:
        catalogue().manager.unregister(killer)
    trainer.resume(run, device="cpu", quiet=True)
    assert not differing(run, grown)


def test_samples_of_every_growth_have_one_size(grown: Path) -> None:
    sizes = []
    for path in (grown / "samples").glob("step_*.png"):
        with Image.open(path) as grid:
            sizes.append(grid.size)
    assert len(sizes) == 3
    assert len(set(sizes)) == 1


def test_a_model_without_text_generates_without_captions(grown: Path) -> None:
    pipe = zoo.load(grown)
    assert pipe.resolution == 16
    assert [image.size for image in pipe("", images=3)] == [(16, 16)] * 3
    with pytest.raises(ZooError, match="reads no text"):
        pipe("a red bird")


def test_a_half_grown_model_generates_what_it_has_learnt(images: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    killer = KillAt(7)
    catalogue().manager.register(killer)
    try:
        with pytest.raises(Killed):
            zoo.train(RECIPE, f"images:{images}", run, device="cpu", quiet=True)
    finally:
        catalogue().manager.unregister(killer)
    pipe = zoo.load(run)
    assert pipe.growth == schedule(read(), 24).growth(6)
    assert json.loads((run / "model/config.json").read_text())["growth"] == {"resolution": 8, "alpha": 0.5}
    assert pipe("")[0].size == (8, 8)


def test_images_without_captions_are_refused_where_text_is_read(images: Path, tmp_path: Path) -> None:
    with pytest.raises(ZooError, match="has no captions, and damsm-aviary reads them"):
        zoo.train("damsm-aviary", f"images:{images}", tmp_path / "run", device="cpu", quiet=True)
