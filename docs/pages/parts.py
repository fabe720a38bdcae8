"""A page for every part, from its record, its constructor and its docstring."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from zoo_registry import KINDS, Component, Recipe, catalogue
from zoo_registry.explain import as_toml, introduction
from zoo_registry.recipe import LISTS, SINGLE
from zoo_registry.schema import Schema, schema_of

from .text import cited, prose, settings, table

PAGED = tuple(kind for kind in KINDS if kind != "protocol")
"""Kinds with a page a part; protocols have one page together."""

_WIRES = {
    "TextSource": "where the vocabulary comes from",
    "TextSpec": "what the text encoder gives",
    "ConditionSpec": "what the conditioning gives",
    "GeneratorSpec": "what the generator makes",
    "DataSource": "where the data set comes from",
    "Setup": "the parts to train, and help",
    "ExtractorSetup": "what is measured on, and help",
}


def pages() -> dict[str, str]:
    """Every page by its path."""
    return {path(c): _page(c) for kind in PAGED for c in catalogue().of(kind)}


def path(component: Component) -> str:
    """The path of a part's page."""
    return f"parts/{component.kind}/{component.name}.md"


def title(kind: str) -> str:
    """A kind's name as a heading: "Text encoder"."""
    return kind.replace("_", " ").capitalize()


@cache
def used_by() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """The recipes that use a part, by its kind and name."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in catalogue().recipe_names():
        recipe = Recipe.read(name, catalogue())
        chosen = [
            choice.component for choice in (*recipe.parts.values(), *recipe.losses, *recipe.augmentations)
        ]
        for component in (recipe.task, *chosen):
            users = found.setdefault((component.kind, component.name), [])
            if name not in users:
                users.append(name)
    return {key: tuple(names) for key, names in found.items()}


def _page(c: Component) -> str:
    schema = schema_of(c)
    part = c.load()
    facts = [("kind", f"{title(c.kind).lower()}: [all of them](../../parts.md#{c.kind.replace('_', '-')})")]
    if c.paper:
        facts.append(("paper", cited(c.paper)))
    if schema.wires:
        wires = (f"`{wire.__name__}`, {_WIRES[wire.__name__]}" for wire in schema.wires)
        facts.append(("is handed", "; ".join(wires)))
    if c.gives:
        facts.append(("gives", ", ".join(_given(c, gift) for gift in sorted(c.gives))))
    if c.needs:
        facts.append(("needs", "; ".join(f"`{need}`, given by {_givers(need)}" for need in sorted(c.needs))))
    facts += _facts(c, part)
    if c.kind in {*SINGLE, *LISTS.values(), "task"}:
        users = used_by().get((c.kind, c.name), ())
        links = ", ".join(f"[`{name}`](../../recipes/{name}.md)" for name in users)
        facts.append(("recipes", links or "none of those that are shipped"))
    module = Path(*c.target.partition(":")[0].split("."))
    facts.append(("source", f"`plugins/{module}.py`"))
    sections = [f"# `{c.name}`", f"{c.summary}.", table(("", ""), facts)]
    sections += [prose(paragraph) for paragraph in introduction(part, schema.settings.model_fields)]
    sections += [
        "## Settings",
        settings(schema.settings, "../../training.md") or "It has none.",
    ]
    sections += [_use(c, schema)]
    return "\n\n".join(sections) + "\n"


def _given(c: Component, gift: str) -> str:
    return f"`{gift}` (with `{c.given_if[gift]} = true`)" if gift in c.given_if else f"`{gift}`"


def _givers(need: str) -> str:
    givers: Iterable[Component] = (g for kind in PAGED for g in catalogue().of(kind) if need in g.gives)
    return ", ".join(f"[`{g.name}`](../{g.kind}/{g.name}.md)" for g in givers)


def _facts(c: Component, part: type) -> list[tuple[str, str]]:
    """What the pages of some kinds have besides."""
    if c.kind == "dataset" and part.folder_layout:
        return [("holds", prose(part.folder_layout))]
    if c.kind == "metric":
        rows = [p for p in catalogue().of("protocol") if p.load().metric == c.name]
        links = ", ".join(f"[`{p.name}`](../../protocols.md#{p.name})" for p in rows)
        return [
            ("better", part.better or "neither: as real images is best"),
            ("protocols", links or "one of its own name"),
        ]
    if c.kind == "importer":
        recipe = part.recipe
        return [
            ("converts", ", ".join(f"`--{kind.replace('_', '-')}`" for kind in part.parts)),
            ("into", f"[`{recipe}`](../../recipes/{recipe}.md)"),
        ]
    return []


def _use(c: Component, schema: Schema) -> str:
    """How the part is asked for, as code."""
    first = next(iter(schema.settings.model_fields.items()), None)
    if c.kind == "dataset":
        argument = "500" if not c.load().folder_layout else c.load().metavar
        return _code(
            "sh",
            f"zoo data info {c.name}:{argument}",
            f"zoo train RECIPE --data {c.name}:{argument} --out RUN",
        )
    if c.kind == "metric":
        asked = f"zoo eval RUN --data SRC --metrics {c.name}"
        if first and not first[1].is_required():
            asked += f" --set {c.name}.{first[0]}={_plain(first[1].default)}"
        return _code("sh", asked)
    if c.kind == "extractor":
        value = "".join(
            f":{name.upper()}" for name, f in schema.settings.model_fields.items() if f.is_required()
        )
        return _code("sh", f"zoo eval RUN --data SRC --metrics kid --set kid.features={c.name}{value}")
    if c.kind == "importer":
        flags = " ".join(f"--{kind.replace('_', '-')} FILE" for kind in c.load().parts)
        return _code("sh", f"zoo import {c.name} {flags} --out MODEL")
    if c.kind == "task":
        return _code(
            "toml", f"task = {as_toml(c.name)}", *([f"train = {{ {first[0]} = … }}"] if first else [])
        )
    fields = list(schema.settings.model_fields.items())[:3]
    defaults = {name: f.default for name, f in fields if not f.is_required() and f.default is not None}
    choice = as_toml({"use": c.name} | defaults)
    place = next((key for key, kind in LISTS.items() if kind == c.kind), None)
    return _code("toml", f"{c.kind} = {choice}" if place is None else f"{place} = [{choice}]")


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _code(language: str, *lines: str) -> str:
    return "\n".join(["## How it is asked for", "", f"```{language}", *lines, "```"])
