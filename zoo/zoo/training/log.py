"""What a run measured, as it goes: log.jsonl for programs and TensorBoard for looking."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files import write_text


class Log:
    """Lines of log.jsonl and scalars of TensorBoard; lines after `step`, where a run went further, go."""

    def __init__(self, folder: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter  # brings torch, which readers do without

        self.path = folder / "log.jsonl"
        lines = [line for line in read(folder) if line["step"] <= step]
        write_text(self.path, "".join(json.dumps(line) + "\n" for line in lines))
        self._before = max((line.get("seconds", 0.0) for line in lines), default=0.0)
        self._start = time.monotonic()
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def terms(self, step: int, terms: Mapping[str, float], images_per_second: float) -> None:
        """Loss terms of a step, and how fast it went."""
        self._write({"step": step, "images_per_second": round(images_per_second, 2), "terms": dict(terms)})
        self._scalars({**terms, "images_per_second": images_per_second}, step)

    def metrics(self, step: int, metrics: Mapping[str, float]) -> None:
        """Metrics measured after a step."""
        self._write({"step": step, "metrics": dict(metrics)})
        self._scalars(metrics, step)

    def _write(self, line: dict[str, Any]) -> None:
        line = {
            "step": line.pop("step"),
            "seconds": round(self._before + time.monotonic() - self._start, 3),
            **line,
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _scalars(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush and close."""
        self._board.close()


def read(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log; a last line that a killed run left unfinished is not one."""
    path = folder / "log.jsonl"
    if not path.is_file():
        return []
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines
