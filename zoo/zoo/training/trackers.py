"""Where else a run's numbers go: TensorBoard, Weights & Biases and others, through Accelerate's trackers."""

from __future__ import annotations

from collections.abc import Sequence

from accelerate.tracking import LOGGER_TYPE_TO_CLASS, GeneralTracker, get_available_trackers

from zoo_registry import Recipe, ZooError
from zoo_registry.errors import nearest

from ..files.run import Run


def check_trackers(*recipes: Recipe) -> None:
    """Raise `ZooError` for a tracker that Accelerate does not know, and for one that is not installed."""
    installed = [str(name) for name in get_available_trackers()]
    for name in (name for recipe in recipes for name in recipe.train.log_with):
        if name not in LOGGER_TYPE_TO_CLASS:
            raise ZooError(
                f"train.log_with: no tracker is called {name!r}{nearest(name, LOGGER_TYPE_TO_CLASS)}"
            )
        if name not in installed:
            have = f"; installed: {', '.join(installed)}" if installed else ""
            raise ZooError(f"train.log_with: {name} is not installed: pip install {name}{have}")


def started(names: Sequence[str], project: str, run: Run, step: int) -> list[GeneralTracker]:
    """The trackers of a run, going on after a step; those that write files write into its folder.

    project: what trackers elsewhere list the run under.
    """
    found = []
    for name in names:
        tracker = LOGGER_TYPE_TO_CLASS[name]
        if name == "tensorboard":
            found.append(tracker(run.tensorboard.name, run.folder, purge_step=step + 1))
        elif tracker.requires_logging_directory:
            found.append(tracker(project, run.folder))
        else:
            found.append(tracker(project))
        found[-1].start()
    return found
