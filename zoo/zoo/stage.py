"""One recipe of a run: its images, its task, and the loop that trains it."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accelerate import PartialState
from accelerate.utils import set_seed
from torch import Tensor

from zoo_registry import Recipe, ZooError
from zoo_registry.contracts import Dataset, Record, TextSource
from zoo_registry.training import GanTraining, InvertTraining, MatchTraining

from . import checkpoint
from .assemble import assemble
from .data.images import Batches, ImageSet, loader
from .evaluation.during import Measuring
from .files import write_json
from .log import Log
from .progress import Bar
from .report import write_report
from .schedule import resolution_of, schedule
from .seeding import mix
from .tasks import Task
from .tasks.gan import GanTask
from .tasks.invert import InvertTask
from .tasks.match import MatchTask
from .tasks.parallel import device_of
from .video import write_timelapse
from .watch import Inversion, Sampling, Validation, Watcher

_REPORT_SECONDS = 120.0  # between two writings of report.html while training


class Interrupted(Exception):  # noqa: N818 - no error: what was asked for
    """Training was asked to stop and has saved where it is."""


def captions_of(records: Iterable[Record]) -> list[str]:
    """Every caption of some records."""
    return [caption for record in records for caption in record.captions]


@contextmanager
def _asked_to_stop() -> Iterator[list[bool]]:
    """A list that is filled at Ctrl-C or SIGTERM; a second Ctrl-C interrupts at once."""
    asked: list[bool] = []

    def note(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(True)

    before = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, note)
    except ValueError:  # not the main thread: whoever called owns the signals
        pass
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Stage:
    """One recipe of a run. Making one decodes its images, and refuses those that cannot be used."""

    def __init__(
        self, folder: Path, recipe: Recipe, dataset: Dataset, source: str, state: PartialState, *, quiet: bool
    ) -> None:
        self.folder, self.recipe, self.state = folder, recipe, state
        self.main = state.is_main_process
        self.quiet = quiet or not self.main
        self.records, self.held_out = _split(recipe, dataset)
        settings = recipe.train
        self.measuring = None
        if isinstance(settings, GanTraining) and settings.evaluate is not None:
            self.measuring = Measuring(folder, recipe, settings.evaluate, source, quiet=self.quiet)
        if "text_encoder" in recipe.parts and not any(record.captions for record in self.records):
            raise ZooError(f"{source} has no captions, and {recipe.name} reads them")
        try:
            classes = {record.label for record in self.records if record.label is not None}
            self.schedule = schedule(recipe, len(self.records), len(classes))
            self.batches = Batches(
                self._images(self.records, dataset, "images"),
                self.schedule,
                seed=settings.seed,
                classes_as_units=isinstance(settings, MatchTraining) and settings.classes_as_units,
                rank=state.process_index,
                world=state.num_processes,
            )
            if isinstance(settings, MatchTraining):
                some = self.held_out[:: math.ceil(len(self.held_out) / settings.held_out)]
                self.validation = self._images(some, dataset, "held-out images")
        except ZooError as error:
            raise ZooError(f"{error}\ncheck the data with: zoo data check {source}") from None

    def _images(self, records: list[Record], dataset: Dataset, what: str) -> ImageSet:
        title = f"{what} of {resolution_of(self.recipe)} px"
        with self.state.local_main_process_first(), Bar(title, len(records), quiet=self.quiet) as bar:
            return ImageSet(
                records,
                resolution=resolution_of(self.recipe),
                fingerprint=dataset.fingerprint(),
                progress=lambda done, total: bar.advance(done),
            )

    def go(self, report: Path) -> None:
        """Train to the last step. The report is written into the folder `report`."""
        self._remember()
        settings = self.recipe.train
        parts = assemble(self.recipe, TextSource(captions=captions_of(self.records)))
        task: Task
        watcher: Watcher
        if isinstance(settings, MatchTraining):
            task = match = MatchTask(self.recipe, parts, self.state, epoch=self.schedule.segments[0].epoch)
            watcher = Validation(self.folder, self.recipe, match, self.validation)
        elif isinstance(settings, InvertTraining):
            task = invert = InvertTask(self.recipe, parts, self.state)
            captions = captions_of(self.held_out)[: settings.held_out] or [""] * settings.held_out
            watcher = Inversion(self.folder, self.recipe, invert, captions)
        else:
            task = gan = GanTask(self.recipe, parts, self.state, self.schedule)
            captions = [record.captions[0] for record in self.held_out if record.captions]
            watcher = Sampling(self.folder, self.recipe, gan, captions, self.measuring)
        found = checkpoint.newest(self.folder / "checkpoints")
        start = 0
        if found is not None:
            start, saved = found
            task.load_state_dict(saved["task"])
            watcher.load_state_dict(saved["watcher"])
        self._loop(task, watcher, start, self.schedule.steps, report)

    def _loop(self, task: Task, watcher: Watcher, start: int, last: int, report: Path) -> None:
        settings = self.recipe.train
        pin = device_of(self.state).type == "cuda"
        stream = loader(self.batches, start, last, workers=settings.workers, pin=pin)
        log = Log(self.folder, start) if self.main else None
        title = f"{self.recipe.name} on {self.state.device}"
        images, busy = 0, 0.0  # since the last line of the log, without what is looked at and saved
        latest: dict[str, Tensor] = {}  # a lazy term is not there in every step
        mark = reported = time.monotonic()
        with (
            _asked_to_stop() as asked,
            Bar(title, last, done=start, quiet=self.quiet) as bar,
        ):
            for done, batch in enumerate(stream, start + 1):
                set_seed(mix(settings.seed, done, self.state.process_index) % 2**32)
                latest |= task.step(batch, done - 1)
                images += self.schedule.at(done - 1).batch_size
                logs = done % settings.log_every == 0 or done == last
                values = {name: float(term) for name, term in latest.items()} if logs else {}
                busy += time.monotonic() - mark
                if logs:
                    self._finite(values, done)
                    if log is not None:
                        log.terms(done, values, images / busy)
                    bar.advance(done, _note(values, images / busy))
                    images, busy, latest = 0, 0.0, {}
                else:
                    bar.advance(done)
                if log is not None:
                    if watcher.due(done, last):
                        metrics = watcher.look(done, last)
                        if metrics:
                            log.metrics(done, metrics)
                    if done % settings.checkpoint_every == 0 or done == last or asked:
                        state = {"task": task.state_dict(), "watcher": watcher.state_dict()}
                        checkpoint.save(self.folder / "checkpoints", done, state)
                        watcher.saved()
                    if time.monotonic() - reported > _REPORT_SECONDS:
                        write_report(report)
                        reported = time.monotonic()
                if asked and done < last:
                    if log is not None:
                        write_timelapse(self.folder)
                    raise Interrupted(
                        f"stopped after step {done} of {last}; go on with: zoo train --resume {report}"
                    )
                mark = time.monotonic()
        if log is not None:
            log.close()
            write_json(self.folder / "done.json", {"steps": last})
            write_timelapse(self.folder)  # before the report, which names it
            write_report(report)
        self.state.wait_for_everyone()

    def _finite(self, values: Mapping[str, float], step: int) -> None:
        bad = [name for name, value in values.items() if not math.isfinite(value)]
        if bad:
            raise ZooError(
                f"{self.recipe.name}: {', '.join(bad)} is not finite at step {step}; a smaller learning rate "
                f"(--set train.…) may help; the newest checkpoint is in {self.folder / 'checkpoints'}"
            )

    def _remember(self) -> None:
        """Write which images the run is made of, or refuse others than it was begun with."""
        path = self.folder / "environment.json"
        data = json.loads(path.read_text(encoding="utf-8"))
        before, now = data["data"].get("fingerprint"), self.batches.image_set.fingerprint
        if before not in (None, now):
            raise ZooError(
                f"{data['data']['source']} has other images or captions than {self.folder} was begun with; "
                "a run goes on with the same data alone"
            )
        if self.main and before is None:
            data["data"] |= {
                "images": len(self.batches.image_set),
                "steps": self.schedule.steps,
                "fingerprint": now,
                "device": str(self.state.device),
            }
            write_json(path, data)


def _split(recipe: Recipe, dataset: Dataset) -> tuple[list[Record], list[Record]]:
    """The training records and the held-out ones: the split "test", else every tenth of "train".

    Where there is no "test", adversarial training, which measures nothing on it, takes all.
    """
    records = list(dataset.records("train"))
    if "test" in dataset.splits():
        return records, list(dataset.records("test"))
    if recipe.task == "match":
        return [record for i, record in enumerate(records) if i % 10], records[::10]
    return records, records


def _note(values: Mapping[str, float], speed: float) -> str:
    sums: dict[str, float] = {}
    for name, value in values.items():
        head = name.split("/")[0]
        sums[head] = sums.get(head, 0.0) + value
    return " ".join([f"{speed:.0f} images/s", *(f"{name} {value:.2f}" for name, value in sums.items())])
