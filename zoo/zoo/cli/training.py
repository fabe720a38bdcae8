"""The command that trains."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from zoo_registry import ZooError

from .looking import Changes, Device


def train(
    recipe: Annotated[str | None, typer.Argument(help="A recipe's name or file.")] = None,
    data: Annotated[
        str | None, typer.Option(help="A data set of zoo list dataset, NAME or NAME:DIR; or a folder.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The new folder of the run.")] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Go on with this run; --set changes what may change, --data is where its data is now."
        ),
    ] = None,
    changes: Changes = None,
    device: Device = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Train a recipe on a data set, or go on with a run.

    Example: zoo train attngan-birds --data cub:CUB_200_2011 --out runs/birds
    """
    missing = [
        flag for flag, value in (("RECIPE", recipe), ("--data", data), ("--out", out)) if value is None
    ]
    if resume is None and missing:
        raise ZooError(f"zoo train: missing {', '.join(missing)}; or --resume RUN")
    if resume is not None and (recipe is not None or out is not None):
        raise ZooError(
            "zoo train --resume RUN goes on with the run's own recipe in its own folder; remove "
            + ("RECIPE" if out is None else "--out")
        )

    from ..files.run import Run
    from ..training import trainer
    from ..training.loop import Interrupted

    try:
        if resume is not None:
            run = trainer.resume(resume, changes=changes or (), data=data, device=device, quiet=quiet)
        else:
            assert recipe is not None
            assert data is not None
            assert out is not None
            run = trainer.train(recipe, data, out, changes=changes or (), device=device, quiet=quiet)
    except Interrupted as stop:
        with suppress(OSError):  # nobody reads any more
            print(stop, file=sys.stderr)
        raise typer.Exit(130) from None
    print(f"model:  {Run(run).model}\nreport: {Run(run).report}")
