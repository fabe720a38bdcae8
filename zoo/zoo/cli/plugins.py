"""Commands about plugins: plugins and new-plugin."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from zoo_registry import KINDS, Plugin, catalogue

from .looking import Json


def plugins(as_json: Json = False) -> None:
    """List the plugins: distribution, version, load time, error, parts and recipes of each.

    Example: ZOO_PLUGINS=my-plugin zoo plugins
    """
    found = catalogue().plugins
    if as_json:
        rows = [
            {
                "name": p.name,
                "distribution": p.distribution,
                "version": p.version,
                "parts": [f"{c.kind}/{c.name}" for c in p.components],
                "recipes": [path.stem for path in p.recipes],
                "pretrained": [path.name for path in p.pretrained],
                "seconds": round(p.seconds, 4),
                "error": p.error,
                "missing_targets": p.missing_targets,
            }
            for p in found
        ]
        print(json.dumps(rows, indent=2))
        return
    for plugin in found:
        print(f"{plugin}, entry point {plugin.name!r}, loaded in {plugin.seconds * 1000:.0f} ms")
        for line in _paragraphs(plugin):
            print(line)


def _paragraphs(plugin: Plugin) -> Iterator[str]:
    """The parts of a plugin, one paragraph per kind, or its error."""
    provided: dict[str, list[str]] = {kind: [] for kind in (*KINDS, "recipe", "pretrained")}
    for component in plugin.components:
        provided[component.kind].append(component.name)
    provided["recipe"] = [path.stem for path in plugin.recipes]
    provided["pretrained"] = [path.name for path in plugin.pretrained]
    paragraphs = {title: ", ".join(names) for title, names in provided.items() if names}
    if plugin.missing_targets:
        paragraphs["error"] = f"its targets are not there: {', '.join(plugin.missing_targets)}"
    if plugin.error:
        paragraphs["error"] = plugin.error
    column = max(map(len, (*KINDS, "recipe", "pretrained", "error"))) + 4
    for title, text in (paragraphs or {"nothing": "neither parts nor recipes"}).items():
        yield textwrap.fill(
            text,
            width=max(shutil.get_terminal_size().columns, 2 * column),
            initial_indent=f"  {title}".ljust(column),
            subsequent_indent=" " * column,
            break_long_words=False,
            break_on_hyphens=False,
        )


def new_plugin(
    name: Annotated[str, typer.Argument(help="Of the new distribution, as zoo-mosaic.")],
    kind: Annotated[str, typer.Option(help=f"Of its part: {', '.join(KINDS)}.")] = "generator",
    out: Annotated[Path | None, typer.Option(help="The new folder; NAME when left out.")] = None,
) -> None:
    """Write a plugin of your own: a distribution with one part, a recipe that uses it, and their test.

    Example: zoo new-plugin zoo-mosaic --kind generator
    """
    from ..scaffold import new_plugin

    folder = new_plugin(name, kind, out, catalogue())
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            print(path)
    print(f"next: pip install -e '{folder}[test]' && python -m pytest {folder}")
