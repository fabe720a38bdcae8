"""A real process is stopped before its file operations: resumed, nothing tells that it was."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HARNESS = Path(__file__).parents[1] / "shared/stopping.py"


def became(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(HARNESS), *arguments]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize(("recipe", "every"), [("attngan", "110"), ("growing", "110")])
def test_stopped_before_some_of_its_file_operations(recipe: str, every: str) -> None:
    found = became(recipe, "--every", every)
    assert found["tried"] > 3
    assert not found["failures"]


@pytest.mark.long
@pytest.mark.parametrize("recipe", ["attngan", "growing"])
def test_stopped_before_each_of_its_file_operations_and_killed_at_random(recipe: str) -> None:
    found = became(recipe, "--every", "1", "--kills", "50")
    assert found["tried"] == found["operations"] + 50
    assert not found["failures"]
