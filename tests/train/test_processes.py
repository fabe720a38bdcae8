"""Several processes: the same weights in each, one of them writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tiny import TINY_CHANGES

import zoo


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
