"""Training that diverges: stopped or rolled back, told with step and term, and warned of before."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from learners import WITHOUT_TEXT
from runs import Killed, differing

import zoo
from zoo.files.run import Run
from zoo.training import trainer
from zoo.training.divergence import LONG, Signs
from zoo_registry import ZooError, catalogue

CHANGES = ["train.steps=6", "train.checkpoint_every=2", "train.log_every=1"]
ROLLBACK = [*CHANGES, "train.on_divergence=rollback"]


class Diverging:
    """Adds NaN to a term of the step with a number, from 1, so many times; ends the process once."""

    def __init__(self, step: int, times: int, *, kill: int | None = None) -> None:
        self.step, self.times, self.kill = step, times, kill

    @zoo.hookimpl
    def zoo_step(self, round: Any, terms: Any, step: int) -> None:
        if step + 1 == self.step and self.times:
            self.times -= 1
            terms["generator/made"] = torch.tensor(torch.nan)
        elif step + 1 == self.kill and not self.times:
            self.kill = None
            raise Killed


@contextmanager
def diverging(step: int, times: int, *, kill: int | None = None) -> Iterator[None]:
    plugin = Diverging(step, times, kill=kill)
    catalogue().manager.register(plugin)
    try:
        yield
    finally:
        catalogue().manager.unregister(plugin)


def train(out: Path, changes: list[str]) -> Path:
    return zoo.train(WITHOUT_TEXT, "aviary:40", out, changes=changes, device="cpu", quiet=True)


def rolled_back(out: Path, *, kill: int | None = None) -> Path:
    killed = nullcontext() if kill is None else pytest.raises(Killed)
    told = pytest.warns(UserWarning, match="at step 4; back to step 2 with half")
    with diverging(4, 1, kill=kill), told, killed:
        train(out, ROLLBACK)
    return out


def test_training_stops_and_tells_step_term_and_what_helps(tmp_path: Path) -> None:
    told = (
        r"generator/made is nan at step 4; the checkpoint of step 2 is kept; .*zoo train --resume .*run "
        r"--set train\.generator_lr=0\.\d+ --set train\.discriminator_lr=.*on_divergence=rollback"
    )
    with diverging(4, 1), pytest.raises(ZooError, match=told):
        train(tmp_path / "run", CHANGES)
    assert max(Run(tmp_path / "run").checkpoints.iterdir()).name == "step_00000002"


def test_a_rollback_halves_the_rates_and_is_recorded(tmp_path: Path) -> None:
    run = Run(rolled_back(tmp_path / "run"))
    why = "generator/made is nan at step 4"
    assert [(back.step, back.why) for back in run.environment().rollbacks] == [(2, why)]
    assert [(line.step, line.rollback) for line in run.log() if line.terms or line.rollback] == [
        (1, None),
        (2, None),
        (2, why),
        *((step, None) for step in range(3, 7)),
    ]
    assert "rolled back</th><td>to step 2" in run.report.read_text()
    by_hand = tmp_path / "by hand"
    with diverging(4, 0, kill=4), pytest.raises(Killed):
        train(by_hand, CHANGES)
    train_settings = Run(by_hand).recipe()["train"]
    rates = ("generator_lr", "discriminator_lr")
    halved = [f"train.{rate}={train_settings[rate] / 2}" for rate in rates]
    trainer.resume(by_hand, changes=halved, device="cpu", quiet=True)
    assert not differing(run.folder, by_hand)


def test_a_run_killed_after_a_rollback_ends_bit_equal(tmp_path: Path) -> None:
    whole, killed = rolled_back(tmp_path / "whole"), rolled_back(tmp_path / "killed", kill=6)
    trainer.resume(killed, device="cpu", quiet=True)
    assert not differing(whole, killed)
    logs = [[(line.step, line.terms, line.rollback) for line in Run(run).log()] for run in (whole, killed)]
    assert logs[0] == logs[1]


def test_it_gives_up_after_the_last_rollback(tmp_path: Path) -> None:
    changes = [*ROLLBACK, "train.rollbacks=2"]
    with (
        diverging(4, 10),
        pytest.warns(UserWarning, match="back to step 2"),
        pytest.raises(ZooError, match="at step 4 after 2 rollbacks; the checkpoint of step 2 is kept"),
    ):
        train(tmp_path / "run", changes)
    assert len(Run(tmp_path / "run").environment().rollbacks) == 2


def test_absurd_rates_diverge_by_themselves(tmp_path: Path) -> None:
    absurd = [*CHANGES, "train.generator_lr=1e30", "train.discriminator_lr=1e30"]
    with pytest.raises(
        ZooError, match=r"(is (nan|-?inf)|not finite) at step \d; .*train\.generator_lr=5e\+29"
    ):
        train(tmp_path / "run", absurd)


ONE_OF_TWO = """
import os, sys, torch, zoo
from zoo.cli import main
from zoo_registry import catalogue

class Diverging:
    @zoo.hookimpl
    def zoo_step(self, round, terms, step):
        bad = step == 3 and os.environ["RANK"] == "1"
        terms["generator/made"] = torch.tensor(torch.nan if bad else 1.0)

catalogue().manager.register(Diverging())
main()
"""


def test_all_processes_go_back_and_stop_together_where_one_diverges(tmp_path: Path) -> None:
    script, recipe, run = tmp_path / "one_of_two.py", tmp_path / "growing.json", Run(tmp_path / "run")
    script.write_text(ONE_OF_TWO)
    recipe.write_text(json.dumps(WITHOUT_TEXT))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += [str(script), "train", str(recipe), "--data", "aviary:40", "--out", str(run.folder)]
    command += ["--device", "cpu", "--quiet"]
    command += [word for change in (*ROLLBACK, "train.rollbacks=1") for word in ("--set", change)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stderr.count("warning: growing: generator/made is nan at step 4; back to step 2") == 1
    stopped = [line for line in result.stderr.splitlines() if line.startswith("error: growing: ")]
    assert len(stopped) == 2, result.stderr  # one line of each process
    for line in stopped:
        assert "generator/made is nan at step 4 after 1 rollback; the checkpoint of step 2 is kept" in line
    assert max(run.checkpoints.iterdir()).name == "step_00000002"
    assert len(run.environment().rollbacks) == 1


def won() -> dict[str, float]:
    return {
        "discriminator/adversarial/16": 0.001,
        "generator/adversarial/16": 9.0,
        "discriminator/r1/16": 2.0,
    }


def test_a_discriminator_that_has_won_for_long_is_told_once() -> None:
    signs = Signs("a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        signs.terms(1, won())
        signs.terms(LONG, won() | {"discriminator/adversarial/16": 0.5})
        signs.terms(LONG + 10, won())
        signs.terms(2 * LONG, won())
    with pytest.warns(UserWarning, match=rf"16 below .* from step {LONG + 10} to {2 * LONG + 10}"):
        signs.terms(2 * LONG + 10, won())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        signs.terms(3 * LONG, won())


def test_one_image_per_caption_is_told() -> None:
    source = torch.Generator().manual_seed(0)
    of_caption = torch.rand(2, 1, 3, 8, 8, generator=source)
    collapsed = of_caption.expand(2, 4, 3, 8, 8).flatten(0, 1)  # [N,3,R,R]
    signs = Signs("a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in (100, 300, 400):
            signs.grid(step, torch.rand(8, 3, 8, 8, generator=source) if step == 400 else collapsed, 4)
        signs.grid(500, collapsed, 4)
    with pytest.warns(UserWarning, match=r"one image per caption at step 600, .* by 0\.00 of 255 levels"):
        signs.grid(600, collapsed, 4)
