"""Commands on data sets: make, check, info."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from zoo_registry import ZooError, catalogue

from .looking import Json, table

app = typer.Typer(
    help="Data sets: make one, check one, describe one.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
Source = Annotated[
    str,
    typer.Argument(
        metavar="SRC", help="A data set (zoo list dataset), as NAME:500 or NAME:DIR; or a folder."
    ),
]


@app.command()
def make(
    name: Annotated[str, typer.Argument(help="A procedural data set, of zoo list dataset.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The new folder.")],
    images: Annotated[int, typer.Option(min=1, help="How many images.")],
    resolution: Annotated[int, typer.Option(min=16, help="Their resolution in pixels.")] = 128,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other images.")] = 0,
) -> None:
    """Write a procedural data set into a folder, as a Hugging Face imagefolder.

    Example: zoo data make aviary birds --images 500 --resolution 64
    """
    from ..bounds import check_disk
    from ..data.make import make as write
    from ..data.source import open_dataset
    from ..progress import Bar

    if catalogue().get("dataset", name).load().folder_layout:
        raise ZooError(f"{name} reads folders; it is not procedural")
    # of PNGs half a byte a pixel or more
    check_disk(images * resolution**2 // 2, folder, f"{images:,} images of {resolution} px")
    with Bar(f"generating {name}", images) as bar:
        write(
            open_dataset(f"{name}:{images}", catalogue(), resolution=resolution, seed=seed),
            folder,
            progress=lambda done, total: bar.advance(done),
        )
    print(folder)


@app.command()
def check(source: Source, as_json: Json = False) -> None:
    """Open every image and read every caption; list all problems, and exit with status 1 where there are any.

    Example: zoo data check cub:CUB_200_2011
    """
    from ..data.check import check as look
    from ..data.check import notes
    from ..data.source import open_dataset
    from ..progress import Bar

    dataset = open_dataset(source, catalogue())
    with Bar(f"checking {source}", sum(len(dataset.records(split)) for split in dataset.splits())) as bar:
        problems = look(dataset, progress=lambda done, total: bar.advance(done))
    if as_json:
        print(json.dumps([problem._asdict() for problem in problems], indent=2))
    else:
        for problem in problems:
            print(f"{problem.file}: {problem.what}")
        for note in notes(dataset):
            print(note)
        print(f"{source}: {len(problems)} problem{'' if len(problems) == 1 else 's'}")
    if problems:
        raise typer.Exit(1)


@app.command()
def info(source: Source, as_json: Json = False) -> None:
    """Count images, captions, classes and words, split by split.

    Example: zoo data info aviary:1000
    """
    from ..data.check import info as describe
    from ..data.source import open_dataset

    facts = describe(open_dataset(source, catalogue()))
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    splits = facts["splits"]
    keys = dict.fromkeys(key for split in splits.values() for key in split)
    rows = [["", *splits]]
    rows += [[key.replace("_", " "), *(_cell(split.get(key)) for split in splits.values())] for key in keys]
    table(rows)
    for note in facts["notes"]:
        print(note)
    print(f"problems: {facts['problems']}" + (f"; zoo data check {source}" if facts["problems"] else ""))


def _cell(value: int | float | dict[str, float] | None) -> str:
    """A count, a share, or the spread of several."""
    if isinstance(value, dict) and value["min"] == value["max"]:
        return f"{value['min']:g}"
    if isinstance(value, dict):
        return f"{value['min']:g} to {value['max']:g}, median {value['median']:g}"
    if isinstance(value, float):
        return f"{value:.1%}"
    return "" if value is None else f"{value:,}"
