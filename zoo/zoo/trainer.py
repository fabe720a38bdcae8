"""Training: a run's folder and its stages."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from accelerate import PartialState

from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import Dataset, TextSource

from .assemble import assemble
from .data.pictures import MARGIN
from .data.source import open_dataset
from .environment import environment
from .files import write_json
from .stage import Stage, captions_of, side_of
from .tasks.match import MATCHING


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

    recipe: a name, a file, or data. data: a source, as "aviary", "cub:DIR", "folder:DIR".
    changes: as for `--set`; those under "pretrain." change the recipe that runs first.
    device: "cpu", or None for the best there is.
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
    state = PartialState(cpu=device == "cpu")
    recipes = {run: main} if pretrain is None else {run / "pretrain": pretrain, run: main}
    stages = [
        Stage(folder, _with_weights(stage, recipes, run), dataset, data, state, quiet=quiet)
        for folder, stage in recipes.items()
    ]
    if state.is_main_process:
        for folder, checked in recipes.items():
            write_json(folder / "recipe.json", checked.locked())
            write_json(folder / "environment.json", environment() | {"data": {"source": data}})
    state.wait_for_everyone()
    for stage in stages:
        stage.go(report=run)
    return run


def resume(run: str | Path, *, device: str | None = None, quiet: bool = False) -> Path:
    """Go on with a run where its newest whole checkpoint ends; a finished run is left as it is."""
    run = Path(run)
    folders = [folder for folder in (run / "pretrain", run) if (folder / "recipe.json").is_file()]
    if run not in folders or not (run / "environment.json").is_file():
        raise ZooError(f"{run} is no run: it holds no recipe.json and environment.json")
    state = PartialState(cpu=device == "cpu")
    recipes = {folder: Recipe.read(folder / "recipe.json", catalogue()) for folder in folders}
    source = json.loads((run / "environment.json").read_text(encoding="utf-8"))["data"]["source"]
    dataset = _dataset(source, *recipes.values())
    for folder, recipe in recipes.items():
        if not (folder / "done.json").is_file():
            weighted = _with_weights(recipe, recipes, run)
            Stage(folder, weighted, dataset, source, state, quiet=quiet).go(report=run)
    return run


def _dataset(source: str, *recipes: Recipe | None) -> Dataset:
    """The data set at the largest side that the recipes draw or look at. Refuses one with problems."""
    sides = [side_of(recipe) for recipe in recipes if recipe is not None]
    dataset = open_dataset(source, catalogue(), side=math.ceil(max(sides) * MARGIN))
    problems = dataset.problems()
    if problems:
        raise ZooError(
            f"{source} has {len(problems)} problem{'s' if len(problems) > 1 else ''}, "
            f"the first: {problems[0].file}: {problems[0].what}\nsee them all with: zoo data check {source}"
        )
    return dataset


def _fits(pretrain: Recipe, main: Recipe, dataset: Dataset) -> None:
    """Refuse, before hours are spent, a first stage whose weights will not fit the second."""
    source = TextSource(captions=captions_of(dataset.records("train")))
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


def _with_weights(recipe: Recipe, recipes: Mapping[Path, Recipe], run: Path) -> Recipe:
    """The recipe with the weights that the run's first stage trains, where it has one and this is the second.

    Found in the run each time, not written into its recipe: a run can be moved, or resumed from elsewhere.
    """
    first = run / "pretrain"
    if first not in recipes or recipe is recipes[first]:
        return recipe
    parts = {
        kind: replace(choice, weights=f"{first}#{kind}")
        if kind in MATCHING and choice.weights is None
        else choice
        for kind, choice in recipe.parts.items()
    }
    return replace(recipe, parts=parts)
