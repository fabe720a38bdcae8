"""Training: a run's folder and its stages."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from accelerate import PartialState

from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import Dataset, TextSource
from zoo_registry.recipe import SINGLE
from zoo_registry.text import expanded

from ..assemble import assemble
from ..data.images import MARGIN
from ..data.source import open_dataset
from ..environment import environment
from ..files import write_json
from ..memory import keep_freed_memory
from ..models.folder import read_config
from ..models.hub import HubId, cached
from ..models.locate import locate
from .dry_run import check_recipe
from .processes import device_of
from .schedule import resolution_of
from .stage import Stage, captions_of


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
    changes: as for `--set`; those under "pretrain." change the recipe that runs first, those under
        "pretrain.pretrain." the one before that.
    device: "cpu", or None for the best there is.
    Raises `ZooError` for everything that a user can fix, before anything is trained; `Interrupted` after
    Ctrl-C.
    """
    run = Path(out)
    if run.exists() and (not run.is_dir() or any(run.iterdir())):
        how = f"; go on with: zoo train --resume {run}" if (run / "recipe.json").is_file() else ""
        raise ZooError(f"{run} exists and is not empty{how}")
    recipes = _folders(run, _chain(recipe, list(changes)))
    for checked in recipes.values():
        check_recipe(checked)
    dataset = _dataset(data, *recipes.values())
    for second, first in pairwise(recipes.values()):
        _fits(first, second, dataset)
    state = _state(device)
    stages = [
        Stage(folder, _with_weights(folder, recipes), dataset, data, state, quiet=quiet)
        for folder in reversed(recipes)
    ]
    if state.is_main_process:
        for folder, checked in recipes.items():
            write_json(folder / "recipe.json", checked.locked())
            write_json(folder / "environment.json", environment() | {"data": {"source": data}})
    state.wait_for_everyone()
    for stage in stages:
        stage.go(run)
    return run


def resume(run: str | Path, *, device: str | None = None, quiet: bool = False) -> Path:
    """Go on with a run where its newest whole checkpoint ends; a finished run is left as it is."""
    run = Path(run)
    recipes: dict[Path, Recipe] = {}
    folder = run
    while (folder / "recipe.json").is_file():
        recipes[folder] = Recipe.read(folder / "recipe.json", catalogue())
        folder = folder / "pretrain"
    if not recipes or not (run / "environment.json").is_file():
        raise ZooError(f"{run} is no run: it holds no recipe.json and environment.json")
    state = _state(device)
    source = json.loads((run / "environment.json").read_text(encoding="utf-8"))["data"]["source"]
    dataset = _dataset(source, *recipes.values())
    for folder in reversed(recipes):
        if not (folder / "done.json").is_file():
            weighted = _with_weights(folder, recipes)
            Stage(folder, weighted, dataset, source, state, quiet=quiet).go(run)
    return run


def _state(device: str | None) -> PartialState:
    """The processes that train, this one ready for it."""
    state = PartialState(cpu=device == "cpu")
    if device_of(state).type == "cpu":
        keep_freed_memory()
    return state


def _chain(recipe: str | Path | Mapping[str, Any], changes: list[str]) -> list[Recipe]:
    """A recipe, the one that runs before it, the one before that; changes of those begin with "pretrain."."""
    before = [change.removeprefix("pretrain.") for change in changes if change.startswith("pretrain.")]
    main = _trained_before(
        Recipe.read(recipe, catalogue(), [c for c in changes if not c.startswith("pretrain.")])
    )
    if main.pretrain is not None:
        chain = _chain(main.pretrain, before)
        if _shared(chain[0], main):
            return [main, *chain]
    if before:
        raise ZooError(f"--set pretrain.{before[0]}: {main.name} runs no other recipe first")
    return [main]


def _folders(run: Path, chain: list[Recipe]) -> dict[Path, Recipe]:
    """Where each recipe of a run lies: what runs first in `pretrain/` of what comes after it."""
    return {run.joinpath(*["pretrain"] * depth): recipe for depth, recipe in enumerate(chain)}


def _dataset(source: str, *recipes: Recipe) -> Dataset:
    """The data set at the largest resolution of the recipes. Refuses one with problems."""
    resolutions = [resolution_of(recipe) for recipe in recipes]
    dataset = open_dataset(source, catalogue(), resolution=math.ceil(max(resolutions) * MARGIN))
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
        assemble(recipe, source, kinds=[k for k in recipe.parts if k != "discriminator"], loading=True)
        for recipe in (pretrain, main)
    ]
    for kind in _shared(pretrain, main):
        module = stages[1].modules[kind]
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


def _shared(first: Recipe, second: Recipe) -> list[str]:
    """The parts that a recipe takes over from the one that runs first: those with no weights of their own."""
    return [
        place
        for place, choice in second.parts.items()
        if place in first.parts and place != "discriminator" and choice.weights is None
    ]


def _taking(recipe: Recipe, places: Iterable[str], origin: Path | HubId) -> Recipe:
    """The recipe with the weights of some parts from a model's or a run's folder, or from the Hub."""
    taken = {place: replace(recipe.parts[place], weights=f"{origin}#{place}") for place in places}
    return replace(recipe, parts={**recipe.parts, **taken})


def _trained_before(recipe: Recipe) -> Recipe:
    """Where `pretrain` names a trained run or model, not a recipe: the recipe with that one's weights."""
    name = recipe.pretrain
    if name is None or Path(name).suffix in (".toml", ".json"):
        return recipe
    if not expanded(name).is_dir() and HubId.parse(name) is None:
        return recipe
    folder = locate(name, parts=SINGLE)
    before, _ = read_config(folder)
    # of the Hub the commit, which is the same elsewhere, not its folder in the cache
    origin = cached(folder) or folder.resolve()
    return replace(_taking(recipe, _shared(before, recipe), origin), pretrain=None)


def _with_weights(folder: Path, recipes: Mapping[Path, Recipe]) -> Recipe:
    """The recipe of a folder with the weights that the one before it trains, where there is one.

    Found in the run each time, not written into its recipe: a run can be moved, or resumed from elsewhere.
    """
    recipe, first = recipes[folder], folder / "pretrain"
    return _taking(recipe, _shared(recipes[first], recipe), first) if first in recipes else recipe
