"""`python -m benchmarks.ship RUNS`: trains the models that come with the zoo, and puts them there.

Their recipes lie in `benchmarks/shipped/`. A model's stages are trained one after the other, each on what the
one before it learnt; a run that was stopped goes on, a finished one is left. Then the model is written at
half its size, measured by the judge on unseen classes, and given its card.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import zoo
from zoo.card import card
from zoo.export.half import write_half
from zoo.hub import CARD
from zoo.log import read as read_log

FOLDER = Path(__file__).parent
RECIPES = FOLDER / "shipped"
SHIPPED = FOLDER.parent / "plugins/zoo_plugins/pretrained"
MOST_BYTES = 6_000_000
"""Of one model."""


@dataclass(frozen=True)
class Model:
    """One that ships: its data, and the recipes of its stages, the last of which is the model."""

    data: str
    stages: tuple[str, ...]


MODELS = {
    "aviary": Model("aviary:20000", ("aviary-match", "aviary")),
    "garden": Model("garden:12000", ("garden-match", "garden-gan", "garden")),
    "portraits": Model("portraits:16000", ("portraits-match", "portraits")),
}


def train(name: str, runs: Path) -> Path:
    """The run of a model's last stage, trained; a stage takes over from the one before."""
    before: Path | None = None
    for stage in MODELS[name].stages:
        run = runs / stage
        if not (run / "done.json").is_file():
            _train(stage, MODELS[name].data, before, run)
        before = run
    assert before is not None
    return before


def _train(stage: str, data: str, before: Path | None, run: Path) -> None:
    command = [sys.executable, "-m", "zoo.cli", "train"]
    if (run / "recipe.json").is_file():
        command += ["--resume", str(run)]
    else:
        command += [str(RECIPES / f"{stage}.toml"), "--data", data, "--out", str(run)]
        command += [] if before is None else ["--set", f"pretrain={before}"]
    subprocess.run(command, check=True)


def ship(name: str, runs: Path) -> dict[str, Any]:
    """Write a trained model to where it ships from, measured; what the page of results says of it."""
    model = MODELS[name]
    run = runs / model.stages[-1]
    out = SHIPPED / name
    shutil.rmtree(out, ignore_errors=True)
    write_half(str(run), out, name=name)
    _total(out, [runs / stage for stage in model.stages])
    measured = ["attributes-2k", "kid-judge-2k"]
    results = zoo.evaluate(out, model.data, measured, device="cpu", out=out / "results.json")["results"]
    (out / CARD).write_text(card(out, name=name), encoding="utf-8")
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    if size > MOST_BYTES:
        raise SystemExit(f"{out} has {size:,} bytes; {MOST_BYTES:,} at most are shipped")
    return {"bytes": size, "scores": {r["identity"]: r["scores"] for r in results}}


def _total(out: Path, runs: list[Path]) -> None:
    """Let the card tell the hours of all stages together."""
    path = out / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    lines = [lines[-1] for run in runs if (lines := read_log(run))]
    config["about"]["hours"] = round(sum(line["seconds"] for line in lines) / 3600, 2)
    config["about"]["steps"] = sum(line["step"] for line in lines)
    path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Train, write and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, help="where the runs lie")
    parser.add_argument("--only", choices=MODELS, action="append", help="these models alone")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in arguments.only or MODELS:
        train(name, arguments.runs)
        print(json.dumps({name: ship(name, arguments.runs)["scores"]}, indent=2))


if __name__ == "__main__":
    main()
