"""What a stage reports while it trains: the log, the progress bar, and the run's report."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

from accelerate import PartialState
from torch import Tensor

from ..files.run import Run
from ..progress import Bar
from ..report.page import write_report
from .divergence import DivergedError, Signs, not_finite
from .log import Log
from .processes import mean_over_processes

_REPORT_SECONDS = 120.0  # between two writings of report.html while training

Item = TypeVar("Item")


class Journal:
    """One stage's log from step `start` on.

    name: of the recipe. run: of which the stage is a part, or itself. every: steps between lines.
    trackers: what the log goes to besides. Of several processes the main one writes.
    """

    def __init__(
        self,
        name: str,
        state: PartialState,
        *,
        stage: Run,
        run: Run,
        start: int,
        last: int,
        every: int,
        trackers: Sequence[str],
        quiet: bool,
    ) -> None:
        self.stage, self.run, self.last, self.every = stage, run, last, every
        self.state = state
        self.bar = Bar(f"{name} on {state.device}", last, done=start, quiet=quiet)
        self.log = None
        if state.is_main_process:
            self.log = Log(stage, start, name, trackers, stage.environment().rollbacks)
        self.signs = Signs(name)
        self._images, self._busy = 0, 0.0  # since the last line
        self._latest: dict[str, Tensor] = {}  # a lazy term is not there in every step
        self._mark = self._reported = time.monotonic()

    def __enter__(self) -> Self:
        self.bar.__enter__()
        self._mark = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.__exit__(kind, error, trace)
        if self.log is not None and kind in (None, DivergedError):
            self.log.close()

    def timed(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items; what is done between `terms` and the next of them does not count as training."""
        for item in items:
            yield item
            self._mark = time.monotonic()

    def terms(self, step: int, terms: Mapping[str, Tensor], images: int) -> None:
        """Log a step's terms where a line is due. Raises `DivergedError` where one is not finite."""
        self._latest |= terms
        self._images += images
        due = step % self.every == 0 or step == self.last
        values = {name: float(term) for name, term in self._latest.items()} if due else {}
        values = mean_over_processes(values, self.state)
        self._busy += time.monotonic() - self._mark
        if not due:
            self.bar.advance(step)
            return
        if bad := not_finite(values):
            raise DivergedError(bad, step)
        speed = self._images / self._busy
        if self.log is not None:
            self.log.terms(step, values, speed)
            self.signs.terms(step, values)
        self.bar.advance(step, _note(values, speed))
        self._images, self._busy, self._latest = 0, 0.0, {}

    def metrics(self, step: int, metrics: Mapping[str, float]) -> None:
        """Log metrics measured after a step, where there are any."""
        if self.log is not None and metrics:
            self.log.metrics(step, metrics)

    def sync(self) -> None:
        """Make sure that the log survives a power cut."""
        if self.log is not None:
            self.stage.sync_log()

    def report(self) -> None:
        """Write the run's report, where it is time to."""
        if self.log is not None and time.monotonic() - self._reported > _REPORT_SECONDS:
            write_report(self.run.folder)
            self._reported = time.monotonic()


def _note(values: Mapping[str, float], speed: float) -> str:
    sums: dict[str, float] = {}
    for name, value in values.items():
        head = name.split("/")[0]
        sums[head] = sums.get(head, 0.0) + value
    return " ".join([f"{speed:.0f} images/s", *(f"{name} {value:.2f}" for name, value in sums.items())])
