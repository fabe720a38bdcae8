"""Made-up run folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from .made_up import (
    CAPTIONS,
    ENVIRONMENT,
    PRETRAIN,
    RECIPE,
    gan_lines,
    match_lines,
    write_json,
    write_log,
    write_samples,
)


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A run that has written its recipe and its environment and nothing else."""
    run = tmp_path / "run"
    write_json(run / "recipe.json", RECIPE)
    write_json(run / "environment.json", ENVIRONMENT)
    return run


@pytest.fixture
def run(begun: Path) -> Path:
    """A run with a matching stage before it, samples, and a log that ends in the middle of a line."""
    write_json(begun / "pretrain" / "recipe.json", PRETRAIN)
    write_json(
        begun / "pretrain" / "environment.json",
        {**ENVIRONMENT, "data": {"source": "aviary:1000", "steps": 300}, "better": {"retrieval": "higher"}},
    )
    write_log(begun / "pretrain" / "log.jsonl", match_lines(300))
    write_log(begun / "log.jsonl", gan_lines(120), ending='{"step": 1210, "seconds": 29')
    write_samples(begun, list(range(200, 1201, 200)), CAPTIONS)
    return begun
