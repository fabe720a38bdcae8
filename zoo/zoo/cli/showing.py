"""The command that explains: show."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo_registry import KINDS, Component, ZooError, catalogue
from zoo_registry.errors import nearest

from .looking import MODELS, Json, lock, table

if TYPE_CHECKING:
    from pydantic import BaseModel

    from zoo_registry import Recipe
    from zoo_registry.recipe import Choice


def show(
    what: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A part, a recipe or a trained model; KIND/NAME where several have the name, as "
            "generator/NAME; or a recipe's file.",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Explain every setting of a part, a recipe or a trained model.

    Example: zoo show attention-stages

    Example: zoo show attngan-birds
    """
    kind, name = ("recipe", what) if Path(what).suffix in (".toml", ".json") else _find(what)
    if kind == "pretrained":
        _show_pretrained(name, as_json)
    elif kind != "recipe":
        component = catalogue().get(kind, name)
        (_show_protocol if kind == "protocol" else _show_part)(component, as_json)
    elif as_json:
        lock(name)
    else:
        from zoo_registry import Recipe

        recipe = Recipe.read(name, catalogue())
        path = Path(name) if Path(name).suffix else catalogue().recipe(name)
        print(path.read_text(encoding="utf-8").rstrip())
        print(f"\n{recipe.name}, with every default:")
        _show_recipe(recipe)


def _find(what: str) -> tuple[str, str]:
    """The kind and the name of what is called so."""
    named: dict[str, list[str]] = {}
    for kind in KINDS:
        for component in catalogue().of(kind):
            named.setdefault(component.name, []).append(kind)
    for group, names in zip(
        MODELS, (catalogue().recipe_names(), catalogue().pretrained_names()), strict=True
    ):
        for name in names:
            named.setdefault(name, []).append(group)
    group, slash, name = what.partition("/")
    if slash and group in KINDS:
        return group, name  # a missing one is told with the names of its kind
    if slash and group in named.get(name, ()):
        return group, name
    match named.get(what, []):
        case [group]:
            return group, what
        case []:
            known = {*named, *(f"{kind}/{name}" for name, kinds in named.items() for kind in kinds)}
            raise ZooError(f"no part, recipe or model is called {what!r}{nearest(what, known)}")
        case kinds:
            raise ZooError(f"several are called {what}: {', '.join(f'zoo show {k}/{what}' for k in kinds)}")


def _show_part(component: Component, as_json: bool) -> None:
    from zoo_registry.explain import introduction, tables
    from zoo_registry.schema import schema_of

    schema = schema_of(component)
    if as_json:
        data = {
            "kind": component.kind,
            "name": component.name,
            "summary": component.summary,
            "paper": component.paper,
            "gives": sorted(component.gives),
            "needs": sorted(component.needs),
            "from": str(catalogue().provider(component.kind, component.name)),
            "wires": [wire.__name__ for wire in schema.wires],
            "settings": schema.settings.model_json_schema().get("properties", {}),
        }
        print(json.dumps(data, indent=2))
        return
    print(f"{component.kind}/{component.name}: {component.summary}")
    facts = {
        "paper": component.paper,
        "gives": ", ".join(sorted(component.gives)),
        "needs": ", ".join(sorted(component.needs)),
        "wires": ", ".join(wire.__name__ for wire in schema.wires),
        "from": str(catalogue().provider(component.kind, component.name)),
    }
    table([(key, value) for key, value in facts.items() if value])
    for paragraph in introduction(component.load(), schema.settings.model_fields):
        print()
        _line(paragraph)
    if schema.settings.model_fields:
        print("\nsettings" + (", beside those of every task" if component.kind == "task" else ""))
        _explain(schema.settings)
    for one in tables(schema.settings):
        print(f"\ntable {one.__name__}: {introduction(one, one.model_fields)[0]}")
        _explain(one)


def _show_protocol(component: Component, as_json: bool) -> None:
    values = asdict(component.load())
    if as_json:
        print(json.dumps(values, indent=2))
        return

    from zoo_registry.contracts import EvaluationProtocol
    from zoo_registry.explain import as_toml, meanings

    print(f"{component.kind}/{component.name}: {component.summary}")
    for key, meaning in meanings(EvaluationProtocol, values).items():
        _line(f"{key} = {as_toml(values[key])}: {meaning}", indent="  ")


def _show_pretrained(name: str, as_json: bool) -> None:
    from ..files.model import Model
    from ..models.locate import locate

    folder = locate(name)
    recipe, made_with = Model(folder).recipe(name), Model(folder).config(name).made_with
    if as_json:
        print(
            json.dumps({"folder": str(folder), "made_with": made_with, "recipe": recipe.locked()}, indent=2)
        )
        return
    print(f"pretrained/{name}: a model of the recipe {recipe.name}; zoo card {name} tells how good it is")
    print(f"from  {folder}\n")
    _show_recipe(recipe)


def _show_recipe(recipe: Recipe) -> None:
    """Every place of a recipe, with the values that it has there."""
    for title, choice in _choices(recipe):
        print(f"\n{title}: {choice.component.name}. {choice.component.summary}")
        _explain(choice.settings, choice.locked())
    print(f"\ntrain: task {recipe.task.name}. {recipe.task.summary}")
    _explain(recipe.train, recipe.train.model_dump(mode="json"))


def _choices(recipe: Recipe) -> Iterator[tuple[str, Choice]]:
    yield from recipe.parts.items()
    for index, loss in enumerate(recipe.losses):
        yield f"losses[{index}]", loss
    for index, augmentation in enumerate(recipe.augmentations):
        yield f"augmentations[{index}]", augmentation


def _explain(settings: BaseModel | type[BaseModel], values: Mapping[str, Any] | None = None) -> None:
    """A line a setting: its value or default, its type and range, what it means."""
    from zoo_registry.explain import as_toml, explain

    for one in explain(settings if isinstance(settings, type) else type(settings)):
        value = one.default if values is None else values[one.name]
        given = ", required" if one.required and values is None else f" = {as_toml(value)}"
        _line(f"{one.name}{given} ({one.type}): {one.meaning}", indent="  ")


def _line(text: str, indent: str = "") -> None:
    """A line; on a terminal wrapped to its width."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else len(text) + len(indent) + 1
    lines: Iterable[str] = textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent * 2,
        break_on_hyphens=False,
    )
    print("\n".join(lines))
