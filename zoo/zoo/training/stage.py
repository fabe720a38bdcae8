"""One recipe of a run: its images, its task, and how it is trained and resumed."""

from __future__ import annotations

import errno
import math
import signal
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from accelerate import PartialState

from zoo_registry import Recipe, ZooError
from zoo_registry.contracts import Batch, Dataset, Record, TextSource
from zoo_registry.training import Training

from ..assemble import assemble
from ..data.check import report_reading
from ..data.images import ImageSet
from ..evaluation.during import Measuring
from ..files import WriteError
from ..files.checkpoints import Checkpoints
from ..files.run import Done, Run
from ..imaging.animation import write_timelapse
from ..progress import Bar
from ..report.page import write_report
from .batches import Batches, loader
from .divergence import DivergedError, rolled_back
from .journal import Journal
from .learner import Learner
from .loop import Interrupted, Loop
from .processes import device_of, local_main_first, lost_processes_named, wait_for_all
from .schedule import resolution_of, schedule
from .watch import Watcher


def captions_of(records: Iterable[Record]) -> list[str]:
    """Every caption of some records."""
    return [caption for record in records for caption in record.captions]


_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}  # of what TensorBoard writes
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def _asked_to_stop(*, alone: bool) -> Iterator[list[bool]]:
    """A list that is filled at Ctrl-C, SIGTERM or SIGHUP; a second signal interrupts at once.

    Not where processes train together: their launcher hands on what each has got from the terminal already,
    and signals all once one has ended. One that ends early heeds no more signals: its last line comes first.
    """
    asked: list[bool] = []

    def note(number: int, frame: Any) -> None:
        if asked and alone:
            raise KeyboardInterrupt
        asked.append(True)

    before: dict[int, Any] = {}
    try:
        for number in _SIGNALS:
            before[number] = signal.signal(number, note)
    except ValueError:  # not the main thread: whoever called owns the signals
        pass
    try:
        yield asked
    except BaseException:
        if not alone:
            before = dict.fromkeys(before, signal.SIG_IGN)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class HeldOutSet:
    """Held-out records; `images` are those that a task validates on, None where it wants captions alone."""

    def __init__(self, records: Sequence[Record], images: ImageSet | None) -> None:
        self.records, self.images = records, images

    @property
    def captions(self) -> Sequence[str]:
        """All captions of all images."""
        return captions_of(self.records)

    def batches(self, size: int) -> Iterator[Batch]:
        """Centre crops, each with its first caption."""
        assert self.images is not None, "Plan.held_out is 0"
        for at in range(0, len(self.images), size):
            yield self.images.batch(range(at, min(at + size, len(self.images))), generator=None)


class Stage:
    """One recipe of a run. Making one decodes its images, and refuses those that cannot be used.

    begun: the settings that the stage began with, where its end has changed since: their schedule goes on.
    """

    def __init__(
        self,
        run: Run,
        recipe: Recipe,
        dataset: Dataset,
        source: str,
        state: PartialState,
        *,
        begun: Training | None = None,
        quiet: bool,
    ) -> None:
        self.run, self.recipe, self.state, self.source = run, recipe, state, source
        self.main = state.is_main_process
        self.quiet = quiet or not self.main
        self.plan = recipe.task.load().plan(recipe.train)
        self.records, held_out = _split(dataset, holds_out=recipe.task.load().holds_out)
        if not self.records:
            raise ZooError(
                f"{source}: none of its {len(held_out)} images is left to train on, since the first of every "
                "ten is held out; expected 2 images or more"
            )
        self.measuring = None
        if self.plan.evaluate is not None:
            self.measuring = Measuring(run, recipe, self.plan.evaluate, source, quiet=self.quiet)
        if "text_encoder" in recipe.parts and not any(record.captions for record in self.records):
            raise ZooError(f"{source} has no captions, and {recipe.name} reads them")
        try:
            labels = {record.label for record in self.records}
            count, classes = len(self.records), 0 if None in labels else len(labels)
            self.schedule = schedule(recipe, count, classes)
            if begun is not None:
                steps = self.schedule.steps
                self.schedule = schedule(replace(recipe, train=begun), count, classes).ending(steps)
            self.batches = Batches(
                self._images(self.records, dataset, "images"),
                self.schedule,
                seed=recipe.train.seed,
                sampler=self.plan.sampler,
                rank=state.process_index,
                world=state.num_processes,
            )
            some = held_out[:: math.ceil(len(held_out) / self.plan.held_out)] if self.plan.held_out else []
            images = self._images(some, dataset, "held-out images") if some else None
            self.held_out = HeldOutSet(held_out, images)
        except ZooError as error:
            # a task does not know of a recipe that it runs before
            before = "".join(f"{part}." for part in run.folder.parts if part == "pretrain")
            message = str(error).replace("--set train.", f"--set {before}train.")
            raise ZooError(
                f"{recipe.name}: {message}\ncheck the data with: zoo data check {source}"
            ) from None

    def _images(self, records: list[Record], dataset: Dataset, what: str) -> ImageSet:
        title = f"{what} of {resolution_of(self.recipe)} px"
        with local_main_first(self.state), Bar(title, len(records), quiet=self.quiet) as bar:
            return ImageSet(
                records,
                resolution=resolution_of(self.recipe),
                fingerprint=dataset.fingerprint(),
                progress=lambda done, total: bar.advance(done),
            )

    @property
    def done(self) -> int:
        """The step of the newest checkpoint, 0 before the first."""
        return max(Checkpoints(self.run.checkpoints).steps(), default=0)

    def remember(self) -> None:
        """Write which images the stage is made of, or refuse others than it was begun with."""
        environment = self.run.environment()
        data, now = environment.data, self.batches.image_set.fingerprint
        if data.fingerprint not in (None, now):
            raise ZooError(
                f"{self.source} has other images or captions than {self.run} was begun with; a run goes on "
                "with the same data alone"
            )
        if self.schedule.steps < self.done:
            raise ZooError(
                f"train.steps: expected {self.done} or more, as many as are done, got {self.schedule.steps}"
            )
        if not self.main:
            return
        data.source, data.fingerprint = self.source, now
        data.images, data.steps = len(self.batches.image_set), self.schedule.steps
        data.device = data.device or str(self.state.device)
        if self.plan.best:  # of a measure which values are better, for the report
            environment.better = {name.partition("/")[0]: self.plan.better for name in self.plan.best}
        self.run.write_environment(environment)

    def go(self, run: Run) -> None:
        """Train to the last step, from the newest checkpoint on. The report is written into `run`.

        Raises `Interrupted` where it was asked to stop before the run's end.
        """
        with _asked_to_stop(alone=self.state.num_processes == 1) as asked:
            try:
                with lost_processes_named(run.folder):
                    while (diverged := self._train(run, asked)) is not None:
                        self._roll_back(diverged, run)
            except (WriteError, OSError) as error:
                if isinstance(error, OSError) and error.errno not in _NO_ROOM:
                    raise
                raise ZooError(f"{error}\nwith room for it, go on with: zoo train --resume {run}") from None
        if asked and self.run.folder != run.folder:
            raise Interrupted(f"stopped after {self.recipe.name}; go on with: zoo train --resume {run}")

    def _roll_back(self, diverged: DivergedError, run: Run) -> None:
        rollback = rolled_back(self.run, self.recipe, self.done, diverged, run)
        wait_for_all(self.state)  # all have read how often it went back
        if self.main:
            self.run.roll_back(rollback)
            warnings.warn(
                f"{self.recipe.name}: {diverged}; back to step {rollback.step} with half the learning rates",
                stacklevel=2,
            )
        wait_for_all(self.state)

    def _train(self, run: Run, asked: Sequence[bool]) -> DivergedError | None:
        """Train from the newest checkpoint to the end; why not, where it has diverged."""
        settings, last = self.recipe.train, self.schedule.steps
        parts = assemble(self.recipe, TextSource(captions=captions_of(self.records)))
        if self.main and not self.quiet and "text_encoder" in parts:
            report_reading(parts.text_encoder, captions_of(self.records))
        learner = Learner(self.recipe, parts, self.state, self.schedule, self.run.environment().rollbacks)
        firsts = [record.captions[0] for record in self.held_out.records if record.captions]
        watcher = Watcher(self.run, learner, self.plan, self.held_out, firsts, self.measuring)
        loop = Loop(self.run, learner, watcher, last, settings.checkpoint_every, writes=self.main)
        start = loop.resume()
        if self.main:
            watcher.begin()
            if start:
                watcher.write_model(start)
        pin = device_of(self.state).type == "cuda"
        stream = loader(self.batches, start, last, workers=settings.workers, pin=pin)
        journal = Journal(
            self.recipe.name,
            self.state,
            stage=self.run,
            run=run,
            start=start,
            last=last,
            every=settings.log_every,
            trackers=settings.log_with,
            quiet=self.quiet,
        )
        try:
            with journal:
                loop.run(stream, start, journal, asked)
        except DivergedError as diverged:
            return diverged.with_traceback(None)  # which holds this try's memory
        except Interrupted:
            if self.main:
                write_timelapse(self.run)
            wait_for_all(self.state)  # a launcher ends the others as soon as one has ended
            raise
        if self.main:
            write_timelapse(self.run)
            self.run.write_done(Done(steps=last, model=watcher.write_model(last)))
            write_report(run.folder)
        wait_for_all(self.state)
        return None


def _split(dataset: Dataset, *, holds_out: bool) -> tuple[list[Record], list[Record]]:
    """The training records and the held-out ones: the split "test", else every tenth of "train".

    Where there is no "test" and the task holds nothing out, it takes all, and validates on the same.
    """
    records = list(dataset.records("train"))
    if "test" in dataset.splits():
        return records, list(dataset.records("test"))
    if holds_out:
        return [record for i, record in enumerate(records) if i % 10], records[::10]
    return records, records
