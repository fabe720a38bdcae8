"""What is looked at while a run trains: from which weights, and which of them become the model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from learners import GAN, MATCH, learner
from PIL import Image

import zoo
from zoo.files.model import Model
from zoo.files.run import Run
from zoo.imaging.grids import image_grid
from zoo.imaging.images import to_pillow
from zoo.training.divergence import Signs
from zoo.training.stage import HeldOutSet
from zoo.training.watch import Watcher


def test_the_sample_grid_is_of_the_averaged_weights(trained: Path) -> None:
    grid = json.loads((trained / "samples/grid.json").read_text())
    samples = zoo.load(trained, device="cpu").generate(grid["captions"], grid["seed"], grid["images"])
    expected = image_grid(to_pillow(samples.images[-1]), grid["images"])
    with Image.open(trained / "samples/step_00000006.png") as written:
        assert np.array_equal(np.asarray(written), np.asarray(expected)), "the model's, which is the average"


def watcher(folder: Path, recipe: str, *changes: str) -> Watcher:
    task, _ = learner(recipe, *changes)
    plan = task.recipe.task.load().plan(task.recipe.train)
    return Watcher(Run(folder), task, plan, HeldOutSet([], None), [], None)


def test_the_best_weights_become_the_model_and_are_remembered(tmp_path: Path, monkeypatch) -> None:
    watch = watcher(tmp_path, "damsm-aviary", *MATCH)
    scores = iter([(0.2, 0.5), (0.1, 0.9), (0.2, 0.6), (float("nan"), 1.0), (0.2, 0.6)])
    monkeypatch.setattr(
        watch.learner.task,
        "validate",
        lambda held_out: dict(zip(("retrieval/r1", "retrieval/r5"), next(scores), strict=True)),
    )
    assert [watch.due(step) for step in range(1, 5)] == [False, True, False, True]
    kept = []
    for step in (2, 4, 6, 8, 10):
        watch.look(step, Signs("a"))
        kept.append(watch.write_model(step))
    assert kept == [2, 2, 6, 6, 6], "by R@1, then by R@5; what is not a number is never the best"
    again = watcher(tmp_path, "damsm-aviary", *MATCH)
    again.load_state_dict(watch.state_dict())
    assert again.best == [0.2, 0.6]
    assert again.write_model(12) == 6


def test_an_unfinished_run_has_a_model(tmp_path: Path) -> None:
    watch = watcher(tmp_path, "damsm-aviary", *MATCH)
    assert watch.write_model(1) == 1
    assert Model(tmp_path / "model").trained_step() == 1
    newest = watcher(tmp_path / "newest", "attngan-aviary", *GAN)
    newest.write_model(1)
    assert (tmp_path / "newest/model/generator.safetensors").is_file()
