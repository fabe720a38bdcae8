"""A page for every recipe: paper, values, what differs from the authors' code, images, results, files."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.lineage import IMAGES, REMARKS, RESULTS
from zoo_registry import Recipe, catalogue
from zoo_registry.recipe import LISTS, SINGLE, Choice
from zoo_registry.registry import heading

from .text import cited, code, table

_DOCS = Path(__file__).parents[1]


def pages() -> dict[str, str]:
    """Every page by its path."""
    return {f"recipes/{name}.md": _page(name) for name in catalogue().recipe_names()}


def chain(name: str) -> list[str]:
    """A recipe and those that it extends, in order."""
    before = tomllib.loads(catalogue().recipe(name).read_text(encoding="utf-8")).get("extends")
    return [name] if before is None else [name, *chain(before)]


@cache
def deviations() -> dict[str, str]:
    """What docs/recipes.md says of each recipe's difference from the authors' code."""
    found: dict[str, str] = {}
    for line in (_DOCS / "recipes.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `") and len(cells) == 3:
            names = re.findall(r"`([\w-]+)`", cells[0])
            text = re.sub(r"\]\((?!http)", "](../", cells[2].removesuffix("|").strip())
            found |= {name: text for name in names if text}
    return found


def _page(name: str) -> str:
    recipe = Recipe.read(name, catalogue())
    summary, command = heading(catalogue().recipe(name))
    lines = [f"# `{name}`", f"{summary}.", _facts(recipe), f"```sh\n{command}\n```"]
    lines += [_generated(row) for row in _rows(name)]
    differs = _differs(name)
    if differs:
        lines += ["## What differs from the authors' code", *differs]
    lines += ["## Values", "With every default filled in, as `zoo lock` prints them.", _values(recipe)]
    lines += ["## The file"]
    for each in chain(name):
        if each != name:
            lines.append(f"It extends [`{each}`]({each}.md):")
        text = catalogue().recipe(each).read_text(encoding="utf-8").rstrip()
        lines.append(f"```toml\n{text}\n```")
    return "\n\n".join(lines) + "\n"


def _facts(recipe: Recipe) -> str:
    link = "[`{0}`]({0}.md)".format
    facts = [("task", f"[`{recipe.task.name}`](../parts/task/{recipe.task.name}.md)")]
    if recipe.paper:
        facts.append(("paper", cited(recipe.paper)))
    if recipe.pretrain:
        facts.append(("runs first", link(recipe.pretrain)))
    names = catalogue().recipe_names()
    below = [other for other in names if chain(other)[1:2] == [recipe.name]]
    after = [other for other in names if Recipe.read(other, catalogue()).pretrain == recipe.name]
    facts += [
        (title, ", ".join(map(link, found)))
        for title, found in (("extended by", below), ("runs before", after))
        if found
    ]
    return table(("", ""), facts)


@cache
def _results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def _rows(name: str) -> list[dict[str, Any]]:
    return [row for row in _results()["rows"] if row["recipe"] == name]


def _generated(row: dict[str, Any]) -> str:
    """What a recipe drew and scored in the comparison of small recipes."""
    name, data = row["recipe"], row["data"]
    image = IMAGES / f"{name}-{data.partition(':')[0]}.jpg"
    lines = [f"## What it generates: {data}"]
    if image.is_file():
        lines.append(f"![Samples of {name} on {data}](../{image.relative_to(_DOCS).as_posix()})")
    own = "" if ":" in data else ", own images"
    lines.append(REMARKS.get(name + own, ""))
    lines.append(
        f"{row['steps']:,} steps of {row['batch_size']} images at {row['resolution']} px: "
        f"{row['processor_seconds']} s of one processor core. "
        "[The gallery](../gallery.md) says how it was made."
    )
    rows = []
    for result in row["results"]:
        for score, value in result["scores"].items():
            if result["metric"] == "attributes" and score != "mean":
                continue
            rows.append(
                (
                    f"`{result['identity']}`",
                    *(_number(value[k], result["metric"]) for k in ("value", "real", "chance")),
                )
            )
    lines.append(table(("protocol", "it", "real images", "chance"), rows))
    return "\n\n".join(line for line in lines if line)


def _number(value: float | None, metric: str) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if metric == "kid" else f"{value:.1%}"


def _differs(name: str) -> list[str]:
    """What the table of recipes says of it and of those it extends, and its own file's comments."""
    found = []
    for each in chain(name):
        if each in deviations():
            of = "" if each == name else f"As [`{each}`]({each}.md): "
            found.append(f"- {of}{deviations()[each]}")
    text = catalogue().recipe(name).read_text(encoding="utf-8")
    own = [line.lstrip("# ") for line in text.splitlines()[2:] if line.startswith("#")]
    return ["\n".join(found), *([f"Its file says: {' '.join(own)}"] if own else [])] if found or own else []


def _values(recipe: Recipe) -> str:
    rows = [(f"`{place}`", *_choice(recipe.parts[place])) for place in SINGLE if place in recipe.parts]
    for place in LISTS:
        for index, choice in enumerate(getattr(recipe, place)):
            rows.append((f"`{place}[{index}]`", *_choice(choice)))
    train = recipe.train.model_dump(mode="json")
    rows.append(("`train`", "[settings](../training.md)", _listed(train)))
    return table(("place", "part", "settings"), rows)


def _choice(choice: Choice) -> tuple[str, str]:
    c = choice.component
    values = {key: value for key, value in choice.locked().items() if key != "use"}
    return f"[`{c.name}`](../parts/{c.kind}/{c.name}.md)", _listed(values)


def _listed(values: dict[str, Any]) -> str:
    return "<br>".join(f"`{key}` {code(value)}" for key, value in values.items())
