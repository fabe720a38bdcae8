"""Two processes train as one does that takes their whole batch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

import zoo
from zoo.files.checkpoints import Checkpoints
from zoo.files.run import Run
from zoo.training.trainer import resume

READER = {"use": "bilstm", "width": 16, "word_width": 8, "dropout": 0.0}
TRAIN = {"batch_size": 8, "steps": 3, "log_every": 1, "checkpoint_every": 3, "seed": 1}
# Adam moves a weight by the rate even where its gradient is nothing but rounding: with a small rate that
# stays below what is compared, and Adam's averages tell whether the gradients are the same.
GAN: dict[str, Any] = {
    "zoo": 1,
    "name": "alike",
    "task": "gan",
    "text_encoder": READER,
    "conditioning": {"use": "augmentation", "width": 8},
    "image_encoder": {"use": "residual", "width": 16, "resolution": 16},
    "generator": {"use": "modulated", "depth": 3, "width": 8, "attention_resolutions": [8]},
    "discriminator": {"use": "contrastive", "width": 8, "redescribes": True, "deviation_group": 1},
    "train": {**TRAIN, "steps": 4, "generator_lr": 1e-6, "discriminator_lr": 1e-6, "mismatch": "nearest"},
}
MATCH: dict[str, Any] = {
    "zoo": 1,
    "name": "alike",
    "task": "match",
    "text_encoder": READER,
    "image_encoder": {"use": "residual", "width": 16, "resolution": 16, "redescribes": True},
    "losses": [{"use": "damsm"}, {"use": "redescription"}, {"use": "sje"}],
    "train": {**TRAIN, "lr": 1e-6, "resolution": 16, "held_out": 4, "captions_per_image": 2},
}
INVERT: dict[str, Any] = {
    "zoo": 1,
    "name": "alike",
    "task": "invert",
    "text_encoder": READER,
    "conditioning": {"use": "augmentation", "width": 8},
    "generator": {"use": "modulated", "depth": 2, "width": 8, "attention_resolutions": [8]},
    "style_encoder": {"use": "residual", "width": 4, "resolution": 16},
    "losses": [{"use": "inversion"}],
    "train": {**TRAIN, "lr": 1e-6},
}
RECIPES: dict[str, dict[str, Any]] = {
    "found": {
        **GAN,
        "losses": [
            {"use": "bce"},
            {"use": "contrastive"},
            {"use": "redescription"},
            {"use": "damsm"},
            {"use": "kl"},
        ],
    },
    "relativistic": {
        **GAN,
        "losses": [{"use": "relativistic"}, {"use": "r1", "gamma": 0.1}],
        "train": {**GAN["train"], "mismatch": "other-class", "lazy": {"losses": ["r1"], "every": 2}},
    },
    "match": MATCH,
    "invert": INVERT,
}


def in_two(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [*command, "-m", "zoo", "train", *words, "--device", "cpu", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )


def written(folder: Path, recipe: dict[str, Any]) -> str:
    path = folder / "alike.json"
    path.write_text(json.dumps(recipe))
    return str(path)


def saved(run: Path) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The weights of the newest checkpoint, and Adam's averages of their gradients."""
    newest = Checkpoints(Run(run).checkpoints).newest()
    assert newest is not None
    learner = newest[1]["learner"]
    weights, averages = {}, {}
    for part, state in learner["task"].items():
        weights |= {f"{part}.{name}": value for name, value in state.items()}
    for phase, optimiser in learner["optimisers"].items():
        averages |= {f"{phase} {at}": each["exp_avg"] for at, each in optimiser["state"].items()}
    return weights, averages


@pytest.mark.parametrize("recipe", RECIPES)
def test_two_processes_are_one_of_their_whole_batch(tmp_path: Path, recipe: str) -> None:
    path = written(tmp_path, RECIPES[recipe])
    result = in_two(path, "--data", "aviary:40", "--out", str(tmp_path / "two"))
    assert result.returncode == 0, result.stderr
    assert "deprecated" not in result.stderr
    zoo.train(path, "aviary:40", tmp_path / "one", device="cpu", quiet=True)
    one, two = (
        [json.loads(line) for line in (tmp_path / run / "log.jsonl").read_text().splitlines()]
        for run in ("one", "two")
    )
    assert len(one) == len(two)
    for alone, together in zip(one, two, strict=True):
        assert alone.get("terms", {}) == pytest.approx(together.get("terms", {}), rel=1e-5, abs=1e-5)
    alone, together = saved(tmp_path / "one"), saved(tmp_path / "two")
    # in matching, Adam's averages differ by up to 0.2 %, and why is not known yet
    for values, others, share, least in zip(alone, together, (1e-5, 1e-2), (1.0, 0.1), strict=True):
        for name, value in values.items():
            apart = (others[name] - value).abs().max()
            assert apart <= share * value.abs().max().clamp(min=least), name


def test_a_share_of_one_caption_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, {**MATCH, "train": {**MATCH["train"], "batch_size": 2}})
    result = in_two(path, "--data", "aviary:40", "--out", str(tmp_path / "two"))
    assert result.returncode != 0
    assert "train.batch_size: 2 images a step, of 2 processes together" in result.stderr
    assert not (tmp_path / "two").exists()


def started(
    run: Path, recipe: str, program: Sequence[str] = ("-m", "zoo")
) -> tuple[subprocess.Popen[str], dict[str, int]]:
    """A training of two processes that would go on for long, after its first steps; its processes by rank."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += [*program, "train", recipe, "--data", "aviary:40", "--out", str(run)]
    launcher = subprocess.Popen(
        [*command, "--device", "cpu", "--quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while launcher.poll() is None and not (
        (run / "log.jsonl").exists() and (run / "log.jsonl").stat().st_size
    ):
        time.sleep(0.2)
    workers = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
    ranks = {}
    for worker in workers:
        environ = dict(
            word.split("=", 1)
            for word in Path(f"/proc/{worker}/environ").read_text().split("\0")
            if "=" in word
        )
        if "RANK" in environ:
            ranks[environ["RANK"]] = int(worker)
    return launcher, ranks


LONG = {
    **MATCH,
    "train": {**MATCH["train"], "steps": 100000, "validate_every": 100000, "checkpoint_every": 100000},
}


def test_a_signal_to_one_process_stops_all_with_one_checkpoint(tmp_path: Path) -> None:
    run = tmp_path / "run"
    launcher, ranks = started(run, written(tmp_path, LONG))
    os.kill(ranks["1"], signal.SIGTERM)
    _, output = launcher.communicate()
    assert launcher.returncode != 0
    logged = [json.loads(line)["step"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert list(Checkpoints(Run(run).checkpoints).steps()) == [logged[-1]]
    assert f"stopped after step {logged[-1]} of 100000" in output
    more = logged[-1] + 2
    resume(run, changes=[f"train.steps={more}"], device="cpu", quiet=True)  # by one process alone
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log if "terms" in line] == list(range(1, more + 1))


LATE = """
import time
import zoo.cli

def late(error, was=zoo.cli._message):
    time.sleep(2)
    return was(error)

zoo.cli._message = late
zoo.cli.main()
"""
"""The command line, whose last line comes after the signal with which a launcher ends the other processes."""


def test_a_killed_process_ends_the_others_with_a_line(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(LATE)
    launcher, ranks = started(tmp_path / "run", written(tmp_path, LONG), program=(str(tmp_path / "late.py"),))
    os.kill(ranks["1"], signal.SIGKILL)
    _, output = launcher.communicate()
    assert launcher.returncode != 0
    assert "another process of this run has ended" in output
    assert f"go on from the newest checkpoint with: zoo train --resume {tmp_path / 'run'}" in output


SLOW = """
import datetime, sys, time
import torch.distributed
from zoo.data import images
from zoo.training import trainer, watch

torch.distributed.init_process_group("gloo", timeout=datetime.timedelta(seconds=4))
main = torch.distributed.get_rank() == 0
for owner, name in ((watch.Watcher, "look"), (images.ImageSet, "__init__")):
    def slow(self, *words, was=getattr(owner, name), **named):
        time.sleep(6 * main)
        return was(self, *words, **named)
    setattr(owner, name, slow)
trainer.train(sys.argv[1], "aviary:40", sys.argv[2], device="cpu", quiet=True)
"""
"""Trains where the first process decodes and measures for longer than a collective waits."""


def test_the_others_wait_while_one_decodes_and_measures(tmp_path: Path) -> None:
    script, run = tmp_path / "slow.py", tmp_path / "run"
    script.write_text(SLOW)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    recipe = written(tmp_path, {**MATCH, "train": {**MATCH["train"], "validate_every": 1, "steps": 2}})
    result = subprocess.run([*command, script, recipe, run], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert Run(run).done() is not None
