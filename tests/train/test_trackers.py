"""Accelerate's trackers get what the log gets; without being asked for, none does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from zoo import ZooError
from zoo.files.run import Run
from zoo.training.log import Log
from zoo.training.trackers import check_trackers
from zoo_registry import Recipe, catalogue


def test_tensorboard_has_the_numbers_of_the_log(tmp_path: Path) -> None:
    log = Log(Run(tmp_path), 0, "birds", ("tensorboard",))
    log.terms(10, {"damsm/words0": 2.5}, 100.0)
    log.metrics(20, {"R@1": 0.25})
    log.close()
    resumed = Log(Run(tmp_path), 10, "birds", ("tensorboard",))
    resumed.metrics(20, {"R@1": 0.5})
    resumed.close()
    board = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(e.step, e.value) for e in board.Scalars("damsm/words0")] == [(10, 2.5)]
    assert [(e.step, e.value) for e in board.Scalars("R@1")] == [(20, 0.5)]
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [10, 20]


def test_a_run_writes_no_tensorboard_unasked(trained: Path) -> None:
    assert not list(trained.rglob("*tfevents*"))


@pytest.mark.parametrize("name", ["wandb"])
def test_a_tracker_that_is_not_installed_is_told(name: str) -> None:
    recipe = Recipe.read("attngan-aviary", catalogue(), [f'train.log_with=["{name}"]'])
    with pytest.raises(ZooError, match="wandb is not installed: pip install wandb; installed: tensorboard"):
        check_trackers(recipe)
