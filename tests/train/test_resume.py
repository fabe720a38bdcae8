"""A run that was stopped ends with the weights that it would have had, bit by bit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from runs import KillAt, Killed, differing, weights
from tiny import TINY_CHANGES

import zoo
from zoo.files.run import Run
from zoo.training import trainer
from zoo_registry import ZooError, catalogue


def logged(run: Path) -> list[Any]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [(line["step"], line.get("terms", line.get("metrics"))) for line in lines]


def test_same_seed_same_weights(trained: Path, tmp_path: Path) -> None:
    again = zoo.train(
        "attngan-aviary", "aviary:40", tmp_path / "again", changes=TINY_CHANGES, device="cpu", quiet=True
    )
    assert not differing(again, trained)


def test_another_seed_other_weights(trained: Path, tmp_path: Path) -> None:
    other = [*TINY_CHANGES, "train.seed=1"]
    run = zoo.train(
        "attngan-aviary", "aviary:40", tmp_path / "other", changes=other, device="cpu", quiet=True
    )
    name = "model/generator.safetensors:first.fc.0.weight"
    assert weights(run)[name] != weights(trained)[name]


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 5, 7, 9])
def test_killed_in_any_step_and_resumed(trained: Path, tmp_path: Path, steps: int) -> None:
    """Four steps of matching, six of the GAN: killed in the step after `steps`, then resumed."""
    run = tmp_path / "run"
    killer = KillAt(steps)
    catalogue().manager.register(killer)
    try:
        with pytest.raises(Killed):
            zoo.train("attngan-aviary", "aviary:40", run, changes=TINY_CHANGES, device="cpu", quiet=True)
    finally:
        catalogue().manager.unregister(killer)
    trainer.resume(run, device="cpu", quiet=True)
    assert not differing(run, trained)
    assert logged(run) == logged(trained)
    assert logged(run / "pretrain") == logged(trained / "pretrain")


def test_a_run_that_was_moved_goes_on(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killer = KillAt(6)  # in the second stage, which takes its encoders from the first
    catalogue().manager.register(killer)
    monkeypatch.chdir(tmp_path)
    try:
        with pytest.raises(Killed):
            zoo.train("attngan-aviary", "aviary:40", "run", changes=TINY_CHANGES, device="cpu", quiet=True)
    finally:
        catalogue().manager.unregister(killer)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").rename(tmp_path / "elsewhere/moved#2")
    monkeypatch.chdir(tmp_path / "elsewhere")
    trainer.resume("moved#2", device="cpu", quiet=True)
    assert not differing(Path("moved#2"), trained)


def test_newest_checkpoint_damaged(trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    (run / "done.json").unlink()
    newest = max((run / "checkpoints").iterdir()) / "state.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    with pytest.warns(UserWarning, match=r"step_00000006 is damaged: .*; going on after step 5"):
        trainer.resume(run, device="cpu", quiet=True)
    assert not differing(run, trained)


def test_other_data_is_refused(trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    (run / "done.json").unlink()
    with pytest.raises(ZooError, match="aviary:41 has other images or captions"):
        trainer.resume(run, data="aviary:41", device="cpu", quiet=True)
    assert Run(run).environment().data.source == "aviary:40"


def test_ctrl_c_saves_and_says_how_to_go_on(trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    changes = [c for c in TINY_CHANGES if not c.startswith("train.steps")] + ["train.steps=100000"]
    command = [
        sys.executable,
        "-m",
        "zoo.cli",
        "train",
        "attngan-aviary",
        "--data",
        "aviary:40",
        "--out",
        str(run),
    ]
    command += [word for change in changes for word in ("--set", change)] + ["--device", "cpu"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ)
    deadline = time.monotonic() + 120
    while not list((run / "checkpoints").glob("step_*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"go on with: zoo train --resume {run}" in errors
    assert "Traceback" not in errors
    stopped = max(int(p.name.removeprefix("step_")) for p in (run / "checkpoints").iterdir())
    assert f"after step {stopped} of" in errors
    # what it saved is what an uninterrupted run had at that step: go on to a step beyond both
    trainer.resume(run, changes=[f"train.steps={stopped + 2}"], device="cpu", quiet=True)
    whole = [c for c in TINY_CHANGES if not c.startswith("train.steps")] + [f"train.steps={stopped + 2}"]
    straight = zoo.train(
        "attngan-aviary", "aviary:40", tmp_path / "whole", changes=whole, device="cpu", quiet=True
    )
    assert not differing(run, straight)
