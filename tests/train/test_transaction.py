"""A run is whole or not there, its model follows from its last checkpoint, and what is damaged is named."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import differing
from tiny import TINY_CHANGES
from torch import nn

import zoo
from zoo.files import write_text
from zoo.files.run import Line, Run
from zoo.models import weights
from zoo.report.page import write_report
from zoo.training import trainer
from zoo.training.loop import Interrupted
from zoo_registry import ZooError, catalogue


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of a run that ended."""
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


def resume(run: Path, *changes: str, data: str | None = None) -> None:
    trainer.resume(run, changes=changes, data=data, device="cpu", quiet=True)


@contextmanager
def plugin(hook: Any) -> Iterator[None]:
    catalogue().manager.register(hook)
    try:
        yield
    finally:
        catalogue().manager.unregister(hook)


class AtStep:
    """A plugin that does something in the nth step that it sees, from 1."""

    def __init__(self, step: int, what: Any) -> None:
        self.step, self.what, self.seen = step, what, 0

    @zoo.hookimpl
    def zoo_step(self, round: Any, terms: Any, step: int) -> None:
        self.seen += 1
        if self.seen == self.step:
            self.what(round)


# The model follows from the last checkpoint.


@pytest.mark.parametrize("lost", ["model", "model and done.json", "a part", "an older model"])
def test_a_model_that_is_not_that_of_the_end_is_written_again(run: Path, trained: Path, lost: str) -> None:
    if lost == "a part":
        (run / "model/generator.safetensors").unlink()
    elif lost == "an older model":
        config = json.loads((run / "model/config.json").read_text())
        (run / "model/config.json").write_text(json.dumps(config | {"step": 5}))
        (run / "model/generator.safetensors").write_bytes(b"")
    else:
        shutil.rmtree(run / "model")
    if lost == "model and done.json":
        (run / "done.json").unlink()
    resume(run)
    assert not differing(run, trained)


def test_the_best_weights_are_written_again_too(run: Path, trained: Path) -> None:
    shutil.rmtree(run / "pretrain/model")
    resume(run)
    assert not differing(run, trained)


# What is not finite is never kept.


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path, trained: Path) -> None:
    def diverge(round: Any) -> None:
        with torch.no_grad():
            next(iter(round.discriminator.parameters())).fill_(torch.nan)

    run = tmp_path / "run"
    changes = [change for change in TINY_CHANGES if change != "train.log_every=1"]  # so no term is looked at
    with (
        plugin(AtStep(4 + 3, diverge)),
        pytest.raises(ZooError, match=r"not finite at step 3; .*step 2 is kept"),
    ):
        zoo.train("attngan-aviary", "aviary:40", run, changes=changes, device="cpu", quiet=True)
    assert max(p.name for p in (run / "checkpoints").iterdir()) == "step_00000002"
    resume(run)
    assert not differing(run, trained)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("weight", torch.tensor([1.0, torch.nan]), "FILE is damaged: weight holds NaN or infinity"),
        ("bias", torch.tensor([1.0, -torch.inf]), "FILE is damaged: bias holds NaN or infinity"),
        ("running_var", torch.tensor([1.0, -1.0]), "FILE is damaged: running_var holds a negative variance"),
        ("bias", torch.tensor([1, 2]), "bias: expected float32, got int64"),
        ("num_batches_tracked", torch.tensor(1.0), "num_batches_tracked: expected int64, got float32"),
    ],
)
def test_damaged_weights_are_refused(name: str, value: torch.Tensor, message: str) -> None:
    module = nn.BatchNorm1d(2)
    with pytest.raises(ZooError, match=message):
        weights.put(module, module.state_dict() | {name: value}, "FILE")


# What is damaged is named, and nothing begins anew in silence.


def test_a_run_whose_checkpoints_are_all_damaged_does_not_begin_anew(run: Path) -> None:
    (run / "done.json").unlink()
    for checkpoint in (run / "checkpoints").iterdir():
        state = checkpoint / "state.safetensors"
        state.write_bytes(state.read_bytes()[:-1] + b"?")
    with pytest.raises(
        ZooError, match=r"no checkpoint is whole(.*\n)*.*step_00000005: state\.safetensors has"
    ):
        resume(run)
    assert [line.step for line in Run(run).log() if line.terms] == [1, 2, 3, 4, 5, 6]


def test_a_run_without_its_checkpoints_does_not_begin_anew(run: Path) -> None:
    (run / "done.json").unlink()
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(ZooError, match=r"holds no checkpoint, and step 6 was trained"):
        resume(run)


def test_a_damaged_line_of_the_log_is_passed_alone(run: Path) -> None:
    path = run / "log.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = b"\xff" + lines[1][1:]
    path.write_bytes(b"".join(lines))
    assert [line.step for line in Run(run).log() if line.terms] == [1, 3, 4, 5, 6]


def test_an_edited_recipe_is_noticed(run: Path) -> None:
    path = run / "recipe.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(ZooError, match=r"recipe\.json is not the one that the run began with"):
        resume(run)


@pytest.mark.parametrize("name", ["environment.json", "done.json", "samples/grid.json"])
def test_a_damaged_file_is_named(run: Path, name: str) -> None:
    (run / name).write_text("{}")
    with pytest.raises(ZooError, match=f"{name} cannot be read: .*Field required"):
        write_report(run)


def test_what_killed_processes_left_is_swept(run: Path) -> None:
    shutil.copytree(run / "model", run / ".model.abc.part")
    (run / "samples/.step_00000003.abc.part.png").touch()
    (run / "pretrain/checkpoints/.step_00000002.abc.part/deeper").mkdir(parents=True)
    resume(run)
    assert not [path for path in run.rglob(".*") if path.name != ".lock"]


# One process trains a run.


def test_a_second_process_is_told_who_trains_the_run(run: Path) -> None:
    program = (
        "import sys; from zoo.files.run import Run\n"
        "with Run(sys.argv[1]).held(): print(flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(run)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(ZooError, match=rf"run is being trained by process {holder.pid} on .* since 2"):
            resume(run)
        holder.kill()
    resume(run)


def test_a_run_that_cannot_be_trained_leaves_nothing(tmp_path: Path) -> None:
    changes = [*TINY_CHANGES, "train.batch_size=41"]
    with pytest.raises(ZooError, match="batch_size"):
        zoo.train(
            "attngan-aviary", "aviary:40", tmp_path / "a/run", changes=changes, device="cpu", quiet=True
        )
    assert not list((tmp_path / "a").iterdir())


# Asked to stop.


def test_ctrl_c_in_the_last_step_of_a_stage_stops_after_it(tmp_path: Path, trained: Path) -> None:
    run = tmp_path / "run"
    stop = AtStep(4, lambda round: os.kill(os.getpid(), signal.SIGINT))
    with plugin(stop), pytest.raises(Interrupted, match="stopped after damsm-aviary; go on with"):
        zoo.train("attngan-aviary", "aviary:40", run, changes=TINY_CHANGES, device="cpu", quiet=True)
    assert Run(run).pretrain.done() is not None
    assert not (run / "checkpoints").exists()
    resume(run)
    assert not differing(run, trained)


def test_a_terminal_that_goes_away_is_asked_to_stop_and_a_lost_reader_is_not(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "zoo.cli", "train", "attngan-aviary", "--data", "aviary:40"]
    command += ["--out", str(run), "--device", "cpu", "--set", "train.steps=100000"]
    command += [part for change in TINY_CHANGES if "train.steps" not in change for part in ("--set", change)]
    command += ["--set", "pretrain.train.steps=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stderr.readline()  # the first line of progress
        process.stderr.close()
        process.stdout.close()
        while process.poll() is None and len(list((run / "checkpoints").glob("step_*"))) < 2:
            pass
        process.send_signal(signal.SIGHUP)
        assert process.wait() == 130
    newest = max(int(p.name.removeprefix("step_")) for p in (run / "checkpoints").iterdir())
    assert max(line.step for line in Run(run).log()) == newest


# A full disk.


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    program = """
import resource, signal, sys
from pathlib import Path
from zoo.files import write_text
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write_text(Path(sys.argv[1]), "x" * 2000)
"""
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "file.txt")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr.endswith(f"WriteError: {tmp_path}/file.txt cannot be written: File too large\n")
    assert not list(tmp_path.iterdir()), "nothing half-written is left"
    write_text(tmp_path / "file.txt", "x" * 2000)
    assert (tmp_path / "file.txt").read_text() == "x" * 2000


# Settings that change when a run goes on.


def test_changed_settings_are_used_and_recorded(run: Path) -> None:
    resume(run, "train.steps=7", "train.batch_size=4", "train.generator_lr=1e-5")
    (change,) = Run(run).environment().changes
    assert (change.step, change.set) == (
        6,
        ["train.steps=7", "train.batch_size=4", "train.generator_lr=1e-5"],
    )
    assert Run(run).log()[-2:] == [
        Line(step=6, seconds=Run(run).log()[-2].seconds, changes=change.set),
        Run(run).log()[-1],
    ]
    assert Run(run).log()[-1].step == 7
    assert "after step 6" in (run / "report.html").read_text()
    config = json.loads((run / "model/config.json").read_text())
    assert (config["step"], config["recipe"]["train"]["batch_size"]) == (7, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train.seed=1", "train.seed cannot change in a run that has begun: the images and the noise"),
        ("train.ema=0.5", "train.ema cannot change in a run that has begun: what was trained so far"),
        ("generator.base_channels=16", "generator cannot change in a run that has begun"),
        ("train.stepz=7", "did you mean 'steps'"),
        ("train.steps=3", "train.steps: expected 6 or more, as many as are done, got 3"),
        ("pretrain.train.steps=9", "pretrain has ended; what comes after builds on it"),
        ("pretrain.pretrain.train.steps=9", "trains nothing at"),
    ],
)
def test_what_cannot_change_is_refused_with_the_reason(run: Path, change: str, message: str) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*.json*")}
    with pytest.raises(ZooError, match=message):
        resume(run, change)
    assert {path: path.read_bytes() for path in run.rglob("*.json*")} == before


def test_data_that_moved_is_taken_where_it_is_now(run: Path, trained: Path) -> None:
    (run / "done.json").unlink()
    environment = Run(run).environment()
    environment.data.source = "folder:gone"
    Run(run).write_environment(environment)
    with pytest.raises(ZooError, match=r"gone does not exist(.*\n)*.*--resume .*run --data SRC"):
        resume(run)
    resume(run, data="aviary:40")
    assert Run(run).environment().data.source == "aviary:40"
    assert not differing(run, trained)
