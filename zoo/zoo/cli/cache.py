"""The command that clears what the zoo keeps: cache."""

from __future__ import annotations

import shutil
import sys
from typing import Annotated

import typer

from zoo_registry import ZooError

from .looking import size, table

app = typer.Typer(
    help="What the zoo keeps to be quicker the next time: decoded images, features, judges.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def group() -> None:
    """Keep `clean` a command of its own."""


@app.command()
def clean(
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
) -> None:
    """Remove the cache, after saying what is in it. Models, runs and the Hub's cache stay.

    Example: zoo cache clean --yes
    """
    from ..data.cache import SUFFIX, cache_folder, size_of

    folder = cache_folder()
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    if not entries:
        print(f"{folder} is empty")
        return
    sizes: dict[str, int] = {}
    for entry in entries:
        title = "decoded images" if entry.name.endswith(SUFFIX) else entry.name
        sizes[title] = sizes.get(title, 0) + size_of(entry)
    table([(title, size(count)) for title, count in sizes.items()])
    if not yes:
        if not sys.stdin.isatty():
            raise ZooError(f"zoo cache clean would remove {folder}; say so with --yes")
        if not typer.confirm(f"remove {folder}, {size(sum(sizes.values()))}?"):
            raise typer.Exit(1)
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    print(f"removed {size(sum(sizes.values()))} from {folder}")
