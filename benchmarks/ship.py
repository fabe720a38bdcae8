"""`python -m benchmarks.ship RUNS`: trains the models that come with the zoo, and puts them there.

Their recipes are in `benchmarks/shipped/`. A model's stages are trained one after the other, each on what the
one before it learnt; a run that was stopped goes on, a finished one is left. Then the model is written at
half its size, measured by the judge on unseen classes, and given its card. With --measure, the models that
ship now are only measured anew.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import zoo
from zoo.export.half import write_half
from zoo.files import folder_written_beside, write_text
from zoo.files.model import Model
from zoo.files.run import Grid, Run
from zoo.models.card import Facts, card

from . import curves

FOLDER = Path(__file__).parent
RECIPES = FOLDER / "shipped"
SHIPPED = FOLDER.parent / "plugins/zoo_plugins/pretrained"
MOST_BYTES = 6_000_000
"""Of one model."""
MEASURED = ["attributes-2k", "kid-judge-2k"]


@dataclass(frozen=True)
class Shipped:
    """One that ships: what it is trained and measured on, and the recipes of its stages, the last its own."""

    data: str
    test: str  # the same images and captions whatever it is trained on, so that numbers stand in one column
    stages: tuple[str, ...]


MODELS = {
    "aviary": Shipped("aviary:100000,mixed", "aviary:20000", ("aviary-match", "aviary")),
    "garden": Shipped("garden:100000,mixed", "garden:12000", ("garden-match", "garden-gan", "garden")),
    "portraits": Shipped("portraits:16000", "portraits:16000", ("portraits-match", "portraits")),
}


def train(name: str, runs: Path) -> Path:
    """The run of a model's last stage, trained; a stage takes over from the one before."""
    before: Run | None = None
    for stage in MODELS[name].stages:
        run = Run(runs / stage)
        if run.done() is None:
            _train(stage, MODELS[name].data, before, run)
        before = run
    assert before is not None
    return before.folder


def _train(stage: str, data: str, before: Run | None, run: Run) -> None:
    command = [sys.executable, "-m", "zoo", "train"]
    if run.exists():
        command += ["--resume", str(run)]
    else:
        command += [str(RECIPES / f"{stage}.toml"), "--data", data, "--out", str(run)]
        if before is not None:
            command += ["--set", f"pretrain={before}"]
    subprocess.run(command, check=True)


def write(name: str, runs: Path, made: Path) -> None:
    """A trained model at half its size, with what its card says about its stages."""
    stages = [Run(runs / stage) for stage in MODELS[name].stages]
    write_half(str(stages[-1].folder), made, name=name)
    record(made, stages)
    curves.keep(name, generating(stages))


def ship(name: str, made: Path) -> dict[str, Any]:
    """Measure a model and put it where it ships from; its scores by protocol.

    The one that ships now stays until the new one is measured.
    """
    with chdir(made.parent):  # by its name alone, so that no path of this machine is in the results
        found = zoo.evaluate(name, MODELS[name].test, MEASURED, device="cpu", out=made / "results.json")
    write_text(Model(made).card, card(made, name=name))
    size = sum(file.stat().st_size for file in made.rglob("*") if file.is_file())
    if size > MOST_BYTES:
        raise SystemExit(f"{made} has {size:,} bytes; {MOST_BYTES:,} at most are shipped")
    with folder_written_beside(SHIPPED / name) as beside:
        shutil.copytree(made, beside, dirs_exist_ok=True)
    return {result["identity"]: result["scores"] for result in found["results"]}


def generating(runs: list[Run]) -> Run:
    """The last stage that generates images: that of a style encoder generates none."""
    return [run for run in runs if run.samples()][-1]


def record(model: Path, runs: list[Run]) -> None:
    """Record the steps and hours of all stages for the card, and the newest samples of any."""
    config = Model(model).config()
    facts = Facts()
    for run in runs:
        facts.add_stages(run)
    config.about |= {key: facts.recorded()[key] for key in ("stages", "hours")}
    if not Model(model).samples.is_file():
        run = generating(runs)
        shutil.copyfile(list(run.samples().values())[-1], Model(model).samples)
        config.about["captions"] = cast("Grid", run.grid()).captions
    Model(model).write_config(config)


def main() -> None:
    """Train, write and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, help="where the runs are")
    parser.add_argument("--only", choices=MODELS, action="append", help="these models alone")
    parser.add_argument("--measure", action="store_true", help="only measure anew what ships now")
    arguments = parser.parse_args()
    runs = arguments.runs.resolve()
    for name in arguments.only or MODELS:
        made = runs / "shipped" / name
        shutil.rmtree(made, ignore_errors=True)
        if arguments.measure:
            shutil.copytree(SHIPPED / name, made, ignore=shutil.ignore_patterns("results.json"))
        else:
            train(name, runs)
            write(name, runs, made)
        print(json.dumps({name: ship(name, made)}, indent=2))


if __name__ == "__main__":
    main()
