"""Which settings of a run can change when it goes on, and which cannot, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo_registry import Recipe, ZooError
from zoo_registry.training import MAY_CHANGE, Training

from ..files.run import Run

_PRETRAIN = "pretrain."


def changes_of(run: Run, changes: Sequence[str]) -> dict[Path, list[str]]:
    """The changes by the folder of their stage; those of earlier ones begin with "pretrain.".

    Raises `ZooError` for a stage that is not there, and for one that has ended before the last.
    """
    by_folder: dict[Path, list[str]] = {}
    for change in changes:
        stage, own = run, change
        while own.startswith(_PRETRAIN):
            stage, own = stage.pretrain, own.removeprefix(_PRETRAIN)
        if not stage.exists():
            raise ZooError(f"--set {change}: {run} trains nothing at {stage}")
        if stage.folder != run.folder and stage.done() is not None:
            raise ZooError(f"--set {change}: {stage} has ended; what comes after builds on it")
        by_folder.setdefault(stage.folder, []).append(own)
    return by_folder


def check_changes(before: Recipe, after: Recipe, changes: Sequence[str]) -> None:
    """Raise `ZooError` for a setting that cannot change in a run that has begun."""
    task = before.task.load()
    allowed = MAY_CHANGE | set(task.may_change)
    old, new = before.locked(), after.locked()
    refused = {key: "what was trained so far was trained with it" for key in new if old.get(key) != new[key]}
    refused.pop("train", None)
    for key, value in new["train"].items():
        if old["train"].get(key) != value and key not in allowed:
            refused[f"train.{key}"] = "what was trained so far was trained with it"
    if "train.seed" in refused:
        refused["train.seed"] = "the images and the noise of every step follow from it"
    plans = [task.plan(recipe.train) for recipe in (before, after)]
    best = [plan.evaluate.model_copy(update={"every": 1}) for plan in plans if plan.evaluate]
    if any(measured.best for measured in best) and len(set(map(repr, best))) > 1:
        refused["train.evaluate"] = "the best weights so far were found by it"
    generator = before.parts.get("generator")
    grows = generator is not None and "growing" in generator.gives and plans[0].growth is not None
    if grows and before.train.steps is None and before.train.batch_size != after.train.batch_size:
        refused["train.batch_size"] = "which steps train which resolution follows from it"
    if refused:
        key, why = next(iter(refused.items()))
        known = ", ".join(f"train.{name}" for name in sorted(allowed))
        raise ZooError(
            f"--set {' '.join(changes)}: {key} cannot change in a run that has begun: {why}; what can: "
            f"{known}. A new run can begin with the weights of this one: --set pretrain=RUN"
        )


def as_begun(run: Run, train: Training) -> Training | None:
    """The settings with the end that the run began with; None where it is the same."""
    begun = run.recipe(begun=True)["train"]
    end = {key: begun[key] for key in ("steps", "epochs")}
    if all(getattr(train, key) == value for key, value in end.items()):
        return None
    return train.model_copy(update=end)
