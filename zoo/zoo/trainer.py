"""Training: a run's folder, its stages, and the loop."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from accelerate import PartialState
from accelerate.utils import set_seed

from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import Dataset, Record, TextSource
from zoo_registry.training import MatchTraining

from . import checkpoint
from .assemble import assemble
from .data.pictures import MARGIN, Batches, Pictures, loader
from .data.source import open_dataset
from .environment import environment
from .files import write_json
from .log import Log
from .progress import Bar
from .report import write_report
from .seeding import mix
from .tasks import Task
from .tasks.gan import GanTask
from .tasks.match import MATCHING, MatchTask
from .tasks.parallel import device_of
from .watch import Sampling, Validation, Watcher

_REPORT_SECONDS = 120.0  # between two writings of report.html while training


class Interrupted(Exception):  # noqa: N818 - no error: what was asked for
    """Training was asked to stop and has saved where it is."""


def train(
    recipe: str | Path | Mapping[str, Any],
    data: str,
    out: str | Path,
    *,
    changes: Iterable[str] = (),
    device: str | None = None,
    quiet: bool = False,
) -> Path:
    """Train a recipe on a data set into a new folder; the folder.

    recipe: a name, a file, or data. data: a source, as "aviary", "cub:DIR", "folder:DIR". changes: as for
    `--set`;
    those under "pretrain." change the recipe that runs first. device: "cpu", or None for the best there is.
    Raises `ZooError` for everything that a user can mend, before anything is trained; `Interrupted` after
    Ctrl-C.
    """
    run = Path(out)
    if run.exists() and (not run.is_dir() or any(run.iterdir())):
        how = f"; go on with: zoo train --resume {run}" if (run / "recipe.json").is_file() else ""
        raise ZooError(f"{run} exists and is not empty{how}")
    changes = list(changes)
    first = [change.removeprefix("pretrain.") for change in changes if change.startswith("pretrain.")]
    main = Recipe.read(
        recipe, catalogue(), [change for change in changes if not change.startswith("pretrain.")]
    )
    wants_pretrain = main.pretrain is not None and any(
        kind in main.parts and main.parts[kind].weights is None for kind in MATCHING
    )
    pretrain = Recipe.read(str(main.pretrain), catalogue(), first) if wants_pretrain else None
    if first and pretrain is None:
        raise ZooError(f"--set pretrain.{first[0]}: {main.name} runs no other recipe first")
    dataset = _dataset(data, pretrain, main)
    if pretrain is not None:
        _fits(pretrain, main, dataset)
        main = _with_weights(main, run)
    if PartialState(cpu=device == "cpu").is_main_process:
        _begin(run, main, data)
        if pretrain is not None:
            _begin(run / "pretrain", pretrain, data)
    return resume(run, device=device, quiet=quiet)


def resume(run: str | Path, *, device: str | None = None, quiet: bool = False) -> Path:
    """Go on with a run where its newest whole checkpoint ends; a finished run is left as it is."""
    run = Path(run)
    if not (run / "recipe.json").is_file() or not (run / "environment.json").is_file():
        raise ZooError(f"{run} is no run: it holds no recipe.json and environment.json")
    state = PartialState(cpu=device == "cpu")
    state.wait_for_everyone()
    main = Recipe.read(run / "recipe.json", catalogue())
    pretrain = run / "pretrain"
    first = (
        Recipe.read(pretrain / "recipe.json", catalogue()) if (pretrain / "recipe.json").is_file() else None
    )
    source = json.loads((run / "environment.json").read_text(encoding="utf-8"))["data"]["source"]
    dataset = _dataset(source, first, main)
    for folder, recipe in ((pretrain, first), (run, main)):
        if recipe is not None:
            _Stage(folder, recipe, dataset, state, quiet=quiet).go(report=run)
    return run


def _dataset(source: str, *recipes: Recipe | None) -> Dataset:
    """The data set at the largest side that the recipes draw or look at. Refuses one with problems."""
    sides = [_side(recipe) for recipe in recipes if recipe is not None]
    dataset = open_dataset(source, catalogue(), side=math.ceil(max(sides) * MARGIN))
    problems = dataset.problems()
    if problems:
        raise ZooError(
            f"{source} has {len(problems)} problem{'s' if len(problems) > 1 else ''}, "
            f"the first: {problems[0].file}: {problems[0].what}\nsee them all with: zoo data check {source}"
        )
    return dataset


def _side(recipe: Recipe) -> int:
    if isinstance(recipe.train, MatchTraining):
        return recipe.train.side
    sides: tuple[int, ...] = recipe.parts["generator"].settings.sides  # type: ignore[attr-defined]
    return sides[-1]


def _captions(records: Iterable[Record]) -> list[str]:
    return [caption for record in records for caption in record.captions]


def _fits(pretrain: Recipe, main: Recipe, dataset: Dataset) -> None:
    """Refuse, before hours are spent, a first stage whose weights will not fit the second."""
    source = TextSource(captions=_captions(dataset.records("train")))
    stages = [
        assemble(recipe, source, kinds=[k for k in MATCHING if k in main.parts], loading=True)
        for recipe in (pretrain, main)
    ]
    for kind, module in stages[1].modules.items():
        shapes = [
            {n: tuple(t.shape) for n, t in m.state_dict().items()} for m in (stages[0].modules[kind], module)
        ]
        differing = sorted(n for n in {*shapes[0], *shapes[1]} if shapes[0].get(n) != shapes[1].get(n))
        if differing:
            n = differing[0]
            there, here = (shape.get(n, "absent") for shape in shapes)
            raise ZooError(
                f"{kind}: what {pretrain.name} trains does not fit {main.name}: {n} is {there} there and "
                f"{here} here; give both recipes the same settings of {kind}"
            )


def _with_weights(main: Recipe, run: Path) -> Recipe:
    parts = {
        kind: replace(choice, weights=f"{run / 'pretrain'}#{kind}")
        if kind in MATCHING and choice.weights is None
        else choice
        for kind, choice in main.parts.items()
    }
    return replace(main, parts=parts)


def _begin(run: Path, recipe: Recipe, source: str) -> None:
    write_json(run / "recipe.json", recipe.locked())
    write_json(run / "environment.json", environment() | {"data": {"source": source}})


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


class _Stage:
    """One recipe of a run: its data, its task, and its loop."""

    def __init__(
        self, folder: Path, recipe: Recipe, dataset: Dataset, state: PartialState, *, quiet: bool
    ) -> None:
        self.folder, self.recipe, self.state, self.quiet = folder, recipe, state, quiet
        self.dataset = dataset
        self.main = state.is_main_process

    def go(self, report: Path) -> None:
        """Train to the last step. The report is written into the folder `report`."""
        if (self.folder / "done.json").is_file():
            return
        settings = self.recipe.train
        records, held_out = self._records()
        pictures = self._pictures(records, "pictures")
        batches = Batches(
            pictures,
            batch_size=settings.batch_size,
            seed=settings.seed,
            rank=self.state.process_index,
            world=self.state.num_processes,
        )
        self._remember(pictures)
        last = settings.steps or settings.epochs * batches.steps_per_epoch
        parts = assemble(self.recipe, TextSource(captions=_captions(records)))
        task: Task
        watcher: Watcher
        if isinstance(settings, MatchTraining):
            task = match = MatchTask(self.recipe, parts, self.state, epoch=batches.steps_per_epoch)
            watcher = Validation(
                self.folder, self.recipe, match, self._pictures(held_out, "held-out pictures")
            )
        else:
            task = gan = GanTask(self.recipe, parts, self.state)
            watcher = Sampling(self.folder, self.recipe, gan, self._pictures(held_out, "held-out pictures"))
        found = checkpoint.newest(self.folder / "checkpoints")
        start = 0
        if found is not None:
            start, saved = found
            task.load_state_dict(saved["task"])
            watcher.load_state_dict(saved["watcher"])
        self._loop(task, watcher, batches, start, last, report)

    def _loop(
        self, task: Task, watcher: Watcher, batches: Batches, start: int, last: int, report: Path
    ) -> None:
        settings = self.recipe.train
        pin = device_of(self.state).type == "cuda"
        stream = loader(batches, start, last, workers=settings.workers, pin=pin)
        log = Log(self.folder, start) if self.main else None
        title = f"{self.recipe.name} on {self.state.device}"
        pictures, busy = 0, 0.0  # since the last line of the log, without what is looked at and saved
        mark = reported = time.monotonic()
        with (
            _asked_to_stop() as asked,
            Bar(title, last, done=start, quiet=self.quiet or not self.main) as bar,
        ):
            for done, batch in enumerate(stream, start + 1):
                set_seed(mix(settings.seed, done, self.state.process_index) % 2**32)
                terms = task.step(batch, done - 1)
                pictures += settings.batch_size
                told = done % settings.log_every == 0 or done == last
                values = {name: float(term) for name, term in terms.items()} if told else {}
                busy += time.monotonic() - mark
                if told:
                    self._finite(values, done)
                    if log is not None:
                        log.terms(done, values, pictures / busy)
                    bar.advance(done, _note(values, pictures / busy))
                    pictures, busy = 0, 0.0
                else:
                    bar.advance(done)
                if log is not None:
                    if watcher.due(done, last):
                        metrics = watcher.look(done)
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
                    raise Interrupted(
                        f"stopped after step {done} of {last}; go on with: zoo train --resume {report}"
                    )
                mark = time.monotonic()
        if log is not None:
            log.close()
            write_json(self.folder / "done.json", {"steps": last})
            write_report(report)
        self.state.wait_for_everyone()

    def _finite(self, values: Mapping[str, float], step: int) -> None:
        bad = [name for name, value in values.items() if not math.isfinite(value)]
        if bad:
            raise ZooError(
                f"{self.recipe.name}: {', '.join(bad)} is not finite at step {step}; a smaller learning rate "
                f"(--set train.…) may help; the newest checkpoint is in {self.folder / 'checkpoints'}"
            )

    def _records(self) -> tuple[list[Record], list[Record]]:
        """The training records and the held-out ones: the split "test", else every tenth of "train"."""
        records = list(self.dataset.records("train"))
        if "test" in self.dataset.splits():
            return records, list(self.dataset.records("test"))
        if self.recipe.task == "match":
            return [r for i, r in enumerate(records) if i % 10], records[::10]
        return records, records

    def _pictures(self, records: list[Record], what: str) -> Pictures:
        most = self.recipe.train.held_out if isinstance(self.recipe.train, MatchTraining) else len(records)
        if what != "pictures" and len(records) > most:
            records = [records[i * len(records) // most] for i in range(most)]
        with (
            self.state.local_main_process_first(),
            Bar(f"{what} of {_side(self.recipe)} px", len(records), quiet=self.quiet or not self.main) as bar,
        ):
            return Pictures(
                records,
                side=_side(self.recipe),
                fingerprint=self.dataset.fingerprint(),
                progress=lambda done, total: bar.advance(done),
            )

    def _remember(self, pictures: Pictures) -> None:
        """Write which pictures the run is made of, or refuse others than it was begun with."""
        path = self.folder / "environment.json"
        data = json.loads(path.read_text(encoding="utf-8"))
        before = data["data"].get("fingerprint")
        if before not in (None, pictures.fingerprint):
            raise ZooError(
                f"{data['data']['source']} has other pictures or captions than {self.folder} was begun with; "
                "a run goes on with the same data alone"
            )
        if self.main and before is None:
            data["data"] |= {"pictures": len(pictures), "fingerprint": pictures.fingerprint}
            write_json(path, data)


def _note(values: Mapping[str, float], speed: float) -> str:
    sums: dict[str, float] = {}
    for name, value in values.items():
        head = name.split("/")[0]
        sums[head] = sums.get(head, 0.0) + value
    return " ".join(f"{name} {value:.2f}" for name, value in sums.items()) + f" {speed:.0f} images/s"
