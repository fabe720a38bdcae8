"""What a run measured, as it goes: its log, and the trackers that the recipe names."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ..files.run import Line, Rollback, Run
from .trackers import started


class Log:
    """The log of a run, and what trackers get; lines after `step`, where the run went further, go.

    name: of the recipe. trackers: names, as `train.log_with` has them.
    """

    def __init__(
        self,
        run: Run,
        step: int,
        name: str,
        trackers: Sequence[str],
        rollbacks: Sequence[Rollback] = (),
    ) -> None:
        self.run = run
        lines = [line for line in run.log() if line.step <= step and line.rollback is None]
        for back in rollbacks:  # a process may have been killed between the two files
            seconds = max((line.seconds for line in lines if line.step <= back.step), default=0.0)
            lines.append(Line(step=back.step, seconds=seconds, rollback=back.why))
        lines.sort(key=lambda line: line.step)
        run.write_log(lines)
        self._before = max((line.seconds for line in lines), default=0.0)
        self._start = time.monotonic()
        self._trackers = started(trackers, name, run, step)

    @property
    def _seconds(self) -> float:
        return round(self._before + time.monotonic() - self._start, 3)

    def terms(self, step: int, terms: Mapping[str, float], images_per_second: float) -> None:
        """Loss terms of a step, and how fast it went."""
        speed = round(images_per_second, 2)
        self.run.append_log(
            Line(step=step, seconds=self._seconds, images_per_second=speed, terms=dict(terms))
        )
        self._track({**terms, "images_per_second": images_per_second}, step)

    def metrics(self, step: int, metrics: Mapping[str, float]) -> None:
        """Metrics measured after a step."""
        self.run.append_log(Line(step=step, seconds=self._seconds, metrics=dict(metrics)))
        self._track(metrics, step)

    def _track(self, values: Mapping[str, float], step: int) -> None:
        for tracker in self._trackers:
            tracker.log(dict(values), step=step)

    def close(self) -> None:
        """End what trackers have begun."""
        for tracker in self._trackers:
            tracker.finish()
