"""What a run measured, as it goes: its log for programs and TensorBoard for looking."""

from __future__ import annotations

import time
from collections.abc import Mapping

from torch.utils.tensorboard import SummaryWriter

from ..files.run import Line, Run


class Log:
    """The log of a run and scalars of TensorBoard; lines after `step`, where the run went further, go."""

    def __init__(self, run: Run, step: int) -> None:
        self.run = run
        lines = [line for line in run.log() if line.step <= step]
        run.write_log(lines)
        self._before = max((line.seconds for line in lines), default=0.0)
        self._start = time.monotonic()
        self._board = SummaryWriter(str(run.tensorboard), purge_step=step + 1)

    @property
    def _seconds(self) -> float:
        return round(self._before + time.monotonic() - self._start, 3)

    def terms(self, step: int, terms: Mapping[str, float], images_per_second: float) -> None:
        """Loss terms of a step, and how fast it went."""
        speed = round(images_per_second, 2)
        self.run.append_log(
            Line(step=step, seconds=self._seconds, images_per_second=speed, terms=dict(terms))
        )
        self._scalars({**terms, "images_per_second": images_per_second}, step)

    def metrics(self, step: int, metrics: Mapping[str, float]) -> None:
        """Metrics measured after a step."""
        self.run.append_log(Line(step=step, seconds=self._seconds, metrics=dict(metrics)))
        self._scalars(metrics, step)

    def _scalars(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush and close."""
        self._board.close()
