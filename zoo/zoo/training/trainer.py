"""Training: a run's folder and its stages."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from accelerate import PartialState

from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import Dataset, TextSource
from zoo_registry.recipe import PRETRAIN, SINGLE
from zoo_registry.text import expanded

from ..assemble import assemble
from ..data.images import MARGIN
from ..data.source import open_dataset
from ..devices import device_named
from ..environment import environment
from ..files.model import Model
from ..files.run import Change, Data, Environment, Run
from ..memory import keep_freed_memory
from ..models.hub import HubId, cached
from ..models.locate import locate
from ..report.page import write_report
from .changes import as_begun, changes_of, check_changes
from .dry_run import check_recipe
from .processes import check_launcher, device_of, processes_on
from .schedule import resolution_of
from .stage import Stage, captions_of
from .trackers import check_trackers


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

    recipe: a name, a file, or data. data: a source, "NAME", "NAME:ARGUMENT" or a folder.
    changes: as for `--set`; those under "pretrain." change the recipe that runs first, those under
        "pretrain.pretrain." the one before that.
    device: "cpu", "cuda", "cuda:1", "mps"; None: the best there is.
    Raises `ZooError` for everything that a user can fix, before anything is trained; `Interrupted` after
    Ctrl-C.
    """
    run = Run(out)
    run.check_free()
    device_named(device)  # before data is read
    recipes = _folders(run, _chain(recipe, list(changes)))
    check_trackers(*recipes.values())
    check_launcher(*recipes.values())
    for checked in recipes.values():
        check_recipe(checked)
    dataset = _dataset(data, *recipes.values())
    for second, first in pairwise(recipes.values()):
        _fits(first, second, dataset)
    state = _state(device)
    with _held(run, state):
        if state.is_main_process:
            run.begin(recipes, Environment(**environment(), data=Data(source=data)))
        try:
            state.wait_for_everyone()
            stages = _stages(recipes, dataset, data, state, quiet=quiet)
            for stage in stages:
                stage.remember()
        except BaseException:
            if state.is_main_process:
                run.remove()
            raise
        for stage in stages:
            stage.go(run)
    return run.folder


def resume(
    folder: str | Path,
    *,
    changes: Iterable[str] = (),
    data: str | None = None,
    device: str | None = None,
    quiet: bool = False,
) -> Path:
    """Go on with a run where its newest whole checkpoint ends; a finished run is left as it is.

    A stage's model that is not there, or not that of its newest checkpoint, is written again.

    changes: as for `--set`, of what may change in a run; a finished run goes on to more `train.steps`.
    data: where the run's data is now; None: where it was.
    Raises `ZooError` for everything that a user can fix; `Interrupted` after Ctrl-C.
    """
    run = Run(folder)
    run.check()
    state = _state(device)
    with _held(run, state):
        if state.is_main_process:
            run.sweep()
        changed = changes_of(run, list(changes))
        recipes: dict[Path, Recipe] = {}
        left = []
        for part in reversed(run.stages()):
            part.check_recipe()
            recipe = recipes[part.folder] = Recipe.read(part.recipe(), catalogue())
            if own := changed.get(part.folder):
                recipes[part.folder] = Recipe.read(part.recipe(), catalogue(), own)
                check_changes(recipe, recipes[part.folder], own)
                check_recipe(recipes[part.folder])
            if own or not _finished(part):
                left.append(part.folder)
        if left:
            check_trackers(*recipes.values())
            check_launcher(*recipes.values())
            source = data or run.environment().data.source
            try:
                dataset = _dataset(source, *recipes.values())
            except ZooError as error:
                if data is None:
                    hint = f"where the data has moved to: zoo train --resume {run} --data SRC"
                    raise ZooError(f"{error}\n{hint}") from None
                raise
            stages = _stages(recipes, dataset, source, state, quiet=quiet, only=left)
            for stage in stages:
                stage.remember()
            if state.is_main_process:
                for stage in stages:
                    if stage.run.folder in changed:
                        stage.run.change(Change(step=stage.done, set=changed[stage.run.folder]))
            state.wait_for_everyone()
            for stage in stages:
                stage.go(run)
        _finish_report(run, state)
    return run.folder


def _finish_report(run: Run, state: PartialState) -> None:
    """Write the report of a run that was stopped between its end and its report."""
    if state.is_main_process and run.done() is not None and run.report_is_old():
        write_report(run.folder)


def _stages(
    recipes: Mapping[Path, Recipe],
    dataset: Dataset,
    source: str,
    state: PartialState,
    *,
    quiet: bool,
    only: Collection[Path] | None = None,
) -> list[Stage]:
    """The stages of a run in the order of training, with their images decoded and checked.

    only: the folders of those that are left of a run that goes on.
    """
    stages = []
    for folder in reversed(list(recipes)):
        if only is None or folder in only:
            run, recipe = Run(folder), _with_weights(folder, recipes)
            begun = None if only is None else as_begun(run, recipe.train)
            stages.append(Stage(run, recipe, dataset, source, state, begun=begun, quiet=quiet))
    return stages


def _finished(stage: Run) -> bool:
    """Whether a stage has come to its end, and its model is that of its end."""
    done = stage.done()
    return done is not None and Model(stage.model).trained_step() == done.model


def _held(run: Run, state: PartialState) -> AbstractContextManager[None]:
    """The run held by one process of those that train it."""
    return run.held() if state.is_main_process else nullcontext()


def _state(device: str | None) -> PartialState:
    """The processes that train, this one ready for it."""
    state = processes_on(device)
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
        if _taken(chain[0], main):
            return [main, *chain]
    if before:
        raise ZooError(f"--set pretrain.{before[0]}: {main.name} runs no other recipe first")
    return [main]


def _folders(run: Run, chain: list[Recipe]) -> dict[Path, Recipe]:
    """Where each recipe of a run lies: the run's own, and in each what is trained before it."""
    folders: dict[Path, Recipe] = {}
    for recipe in chain:
        folders[run.folder] = recipe
        run = run.pretrain
    return folders


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
    for kind, part in _taken(pretrain, main).items():
        if kind != part or kind == "discriminator":  # takes over what fits
            continue
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


def _taken(first: Recipe, second: Recipe) -> dict[str, str]:
    """The parts that a recipe takes over from the one that runs first, each with the part there.

    Those with no weights of their own, and those whose weights are "pretrain#PART".
    """
    taken = {}
    for place, choice in second.parts.items():
        folder, part = choice.origin(place) or (None, place)
        if folder == PRETRAIN:
            if part not in first.parts:
                raise ZooError(
                    f"{place}.weights: expected a part of {first.name} ({', '.join(first.parts)}), got {part}"
                )
            taken[place] = part
        elif folder is None and place in first.parts and place != "discriminator":
            taken[place] = place
    return taken


def _taking(recipe: Recipe, taken: Mapping[str, str], origin: Path | HubId) -> Recipe:
    """The recipe with the weights of some parts from a model's or a run's folder, or from the Hub."""
    parts = {place: replace(recipe.parts[place], weights=f"{origin}#{part}") for place, part in taken.items()}
    return replace(recipe, parts={**recipe.parts, **parts})


def _trained_before(recipe: Recipe) -> Recipe:
    """Where `pretrain` names a trained run or model, not a recipe: the recipe with that one's weights."""
    name = recipe.pretrain
    if name is None or Path(name).suffix in (".toml", ".json"):
        return recipe
    if not expanded(name).is_dir() and HubId.parse(name) is None:
        return recipe
    folder = locate(name, parts=SINGLE)
    before = Model(folder).recipe()
    # of the Hub the commit, which is the same elsewhere, not its folder in the cache
    origin = cached(folder) or folder.resolve()
    return replace(_taking(recipe, _taken(before, recipe), origin), pretrain=None)


def _with_weights(folder: Path, recipes: Mapping[Path, Recipe]) -> Recipe:
    """The recipe of a folder with the weights that the one before it trains, where there is one.

    Found in the run each time, not written into its recipe: a run can be moved, or resumed from elsewhere.
    """
    recipe, first = recipes[folder], Run(folder).pretrain.folder
    return _taking(recipe, _taken(recipes[first], recipe), first) if first in recipes else recipe
