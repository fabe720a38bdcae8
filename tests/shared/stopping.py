"""Runs that a real process is stopped in, at chosen file operations or instants, and that are then resumed.

`python tests/shared/stopping.py RECIPE [--every N] [--kills N]` prints what became of them as JSON. It forks,
so it runs in a process of its own that has not trained.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # this file is run, too, not only imported

from learners import WITHOUT_TEXT
from tiny import TINY_CHANGES

import zoo
from zoo.files import sha256
from zoo.files.run import Run
from zoo.training import trainer
from zoo_registry import Recipe, catalogue

STOPPED = 77
SHORT = ("train.steps=3", "pretrain.train.steps=2", "train.sample_every=2")
RECIPES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "attngan": ("attngan-aviary", (*TINY_CHANGES, *SHORT)),
    "growing": (WITHOUT_TEXT | {"train": {**WITHOUT_TEXT["train"], "sample_every": 2}}, ()),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_IN_FOLDER = {"os.remove", "os.rmdir", "os.mkdir"}
_OTHERS = {*_IN_FOLDER, "os.rename", "os.truncate", "os.chmod"}


class Stopper:
    """Ends this process before its nth operation that changes files in a folder, from 0."""

    def __init__(self, folder: Path, at: int | None) -> None:
        self.folder, self.at, self.count = str(folder), at, 0
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not (isinstance(flags, int) and flags & _WRITING):
                return
        elif event in _OTHERS:
            path = arguments[0]
            if isinstance(folder := arguments[-1], int) and folder >= 0 and event in _IN_FOLDER:
                path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)  # shutil.rmtree's own
        else:
            return
        if not isinstance(path, str | os.PathLike) or "/tensorboard/" in os.fspath(path):  # a thread
            return
        if os.fspath(path).startswith(self.folder):
            if self.count == self.at:
                os._exit(STOPPED)
            self.count += 1


def forked(work: Callable[[], Any], *, kill_after: float | None = None) -> int:
    """The exit status of work done in a process of its own, killed after so many seconds."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def train(recipe: str, out: Path) -> None:
    """Begin a run, or go on with it, as far as it came."""
    table, changes = RECIPES[recipe]
    if Run(out).exists():
        trainer.resume(out, device="cpu", quiet=True)
    else:
        zoo.train(table, "aviary:40", out, changes=changes, device="cpu", quiet=True)


def outcome(folder: Path) -> dict[str, Any]:
    """All that a run has to end with: its weights, its log, and the names of its files."""
    run = Run(folder / "run")
    files = [path for path in sorted(folder.rglob("*")) if "tensorboard" not in path.parts]
    return {
        "weights": {str(p.relative_to(folder)): sha256(p) for p in files if p.match("model/*.safetensors")},
        "logs": [
            [(line.step, line.terms, line.metrics) for line in stage.log()]
            for stage in (run.stages() if run.exists() else ())
        ],
        "files": [str(path.relative_to(folder)) for path in files],
    }


def stopped(recipe: str, expected: dict[str, Any], **how: Any) -> tuple[str, list[str]]:
    """Stop a run, go on with it; how it ended first, and what is not as expected."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "run")

        def first() -> None:
            if "at" in how:
                Stopper(Path(folder), how["at"])
            train(recipe, out)

        ended = forked(first, kill_after=how.get("after"))
        status = forked(lambda: train(recipe, out))
        found = outcome(Path(folder))
        wrong = [key for key in expected if found[key] != expected[key]]
        return str(ended), wrong if status == 0 else ["does not go on"]


def main() -> None:
    """Stop a recipe's run in every way that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--every", type=int, help="stop before each nth of its file operations")
    parser.add_argument("--kills", type=int, default=0, help="kill it at so many random instants")
    given = parser.parse_args()
    table, changes = RECIPES[given.recipe]
    # Import what children would import each for itself.
    zoo.build(
        Recipe.read(table, catalogue(), [c for c in changes if not c.startswith("pretrain.")]), ["a bird"]
    )
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "operations")

        def whole() -> None:
            stopper = Stopper(Path(folder, "whole"), None)
            train(given.recipe, Path(folder, "whole/run"))
            report.write_text(str(stopper.count), encoding="utf-8")

        Path(folder, "whole").mkdir()
        assert (
            forked(lambda: train(given.recipe, Path(folder, "cached/run"))) == 0
        )  # the images are decoded now
        begun = time.monotonic()
        assert forked(whole) == 0
        seconds = time.monotonic() - begun
        operations = int(report.read_text(encoding="utf-8"))
        expected = outcome(Path(folder, "whole"))
    source = random.Random(0)
    tries: list[dict[str, Any]] = (
        [{"at": n} for n in range(0, operations, given.every)] if given.every else []
    )
    tries += [{"after": source.uniform(0, seconds)} for _ in range(given.kills)]
    failures = {}
    for number, how in enumerate(tries):
        ended, wrong = stopped(given.recipe, expected, **how)
        assert ended in (str(STOPPED), str(-signal.SIGKILL), "0"), ended
        if wrong:
            failures[str(how)] = wrong
        print(f"{number + 1} of {len(tries)}, {len(failures)} wrong", file=sys.stderr)
    print(json.dumps({"operations": operations, "tried": len(tries), "failures": failures}))


if __name__ == "__main__":
    main()
