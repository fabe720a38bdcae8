"""Runs that are killed and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import load_file

import zoo


class Killed(BaseException):
    """Stands for whatever ends a process between two steps."""


class KillAt:
    """A plugin that ends training in the middle of the nth step that it sees."""

    def __init__(self, step: int) -> None:
        self.left = step

    @zoo.hookimpl
    def zoo_step(self, round: Any, terms: Any, step: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


def weights(run: Path) -> dict[str, bytes]:
    """Every tensor of every model of a run, as bytes."""
    files = sorted((run / "model").rglob("*.safetensors")) + sorted(
        (run / "pretrain/model").rglob("*.safetensors")
    )
    return {
        f"{file.relative_to(run)}:{name}": tensor.numpy().tobytes()
        for file in files
        for name, tensor in load_file(file).items()
    }


def differing(left: Path, right: Path) -> list[str]:
    """The names of the tensors that are not bit-equal in two runs."""
    first, second = weights(left), weights(right)
    assert first.keys() == second.keys()
    return [name for name in first if first[name] != second[name]]
