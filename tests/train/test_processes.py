"""Several processes: the same weights in each, one of them writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import TINY_CHANGES

import zoo
from zoo_registry import ZooError


def test_two_processes_train_one_model(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "zoo.cli", "train", "attngan-aviary", "--data", "aviary:40", "--out", str(run)]
    command += ["--device", "cpu", "--quiet"]
    command += [word for change in TINY_CHANGES for word in ("--set", change)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    steps = [json.loads(line)["step"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4, 5, 6], "one process writes the log"
    assert zoo.load(run)("a red bird")


def test_what_the_launcher_is_asked_for_is_what_the_recipe_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    for name, value, message in (
        ("MIXED_PRECISION", "bf16", "--mixed_precision bf16: expected the precision of .*, float32"),
        ("GRADIENT_ACCUMULATION_STEPS", "4", "--gradient_accumulation_steps 4: expected 1"),
        ("DYNAMO_BACKEND", "INDUCTOR", "--dynamo_backend inductor: expected no"),
        ("USE_FSDP", "true", "--use_fsdp: expected --multi_gpu"),
    ):
        monkeypatch.setenv(f"ACCELERATE_{name}", value)
        with pytest.raises(ZooError, match=message):
            zoo.train("attngan-aviary", "aviary:40", run, changes=TINY_CHANGES, device="cpu", quiet=True)
        assert not run.exists()
        monkeypatch.delenv(f"ACCELERATE_{name}")


def test_accelerate_launches_a_training(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "1"]
    command += ["--num_machines", "1", "--dynamo_backend", "no", "--mixed_precision", "bf16"]
    command += ["-m", "zoo", "train", "damsm-aviary", "--data", "aviary:40", "--out", str(run), "--quiet"]
    changes = [c.removeprefix("pretrain.") for c in TINY_CHANGES if c.startswith("pretrain.")]
    command += [word for change in (*changes, "train.precision=bf16") for word in ("--set", change)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert log[-1]["step"] == 4
