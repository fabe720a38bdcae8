"""Commands that look: list, show, check, lock, doctor."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo_registry import KINDS, Component, ZooError, catalogue
from zoo_registry.errors import first_line, nearest

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, as in train.steps=100."),
]


def list_(
    kind: Annotated[
        str | None,
        typer.Argument(help="A kind of part, 'recipe' or 'pretrained'. All of them when left out."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the parts, recipes and trained models that are installed.

    Example: zoo list generator
    """
    kinds = (*KINDS, "recipe", "pretrained")
    if kind is not None and kind not in kinds:
        raise ZooError(f"{kind!r} is no kind of part{nearest(kind, kinds)}")
    rows = [
        {"kind": c.kind, "name": c.name, "summary": c.summary, "paper": c.paper}
        for k in KINDS
        if kind in (None, k)
        for c in catalogue().of(k)
    ]
    if kind in (None, "recipe"):
        rows += [
            {"kind": "recipe", "name": name, "summary": _first_comment(catalogue().recipe(name)), "paper": ""}
            for name in catalogue().recipe_names()
        ]
    if kind in (None, "pretrained"):
        rows += [_pretrained(name) for name in catalogue().pretrained_names()]
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        _table([(row["kind"], row["name"], row["summary"], row["paper"]) for row in rows])


def _pretrained(name: str) -> dict[str, str]:
    """The row of a shipped model, or its error. Does not check the recipe, which takes torch."""
    folder = catalogue().pretrained(name)
    assert folder is not None
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        recipe, data = config["recipe"]["name"], config.get("about", {}).get("data")
        paper = config["recipe"].get("paper", "")
        if not isinstance(paper, str):
            raise TypeError("recipe.paper is no text")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        error_line = f"broken: config.json cannot be read: {first_line(error)}"
        return {"kind": "pretrained", "name": name, "summary": error_line, "paper": ""}
    learnt = f", trained on {data}" if data else ""
    return {"kind": "pretrained", "name": name, "summary": f"{recipe}{learnt}", "paper": paper}


def show(
    what: Annotated[
        str, typer.Argument(metavar="KIND/NAME|RECIPE", help="A part, or a recipe's name or file.")
    ],
    as_json: Json = False,
) -> None:
    """Show a part with its settings, or a recipe.

    Example: zoo show generator/attention-stages
    """
    kind, slash, name = what.partition("/")
    if slash and kind in KINDS:
        _show_part(catalogue().get(kind, name), as_json)
        return
    if as_json:
        lock(what)
        return
    path = Path(what) if Path(what).suffix in (".toml", ".json") else catalogue().recipe(what)
    if not path.is_file():
        raise ZooError(f"no such recipe file: {path}")
    print(path.read_text(encoding="utf-8").rstrip())


def _show_protocol(component: Component, as_json: bool) -> None:
    from dataclasses import asdict

    values = asdict(component.load())
    if as_json:
        print(json.dumps(values, indent=2))
        return
    print(f"{component.kind}/{component.name}: {component.summary}")
    _table([(key, json.dumps(value)) for key, value in values.items() if key != "name"])


def _show_part(component: Component, as_json: bool) -> None:
    if component.kind == "protocol":
        _show_protocol(component, as_json)
        return

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
    _table([(key, value) for key, value in facts.items() if value])
    fields = schema.settings.model_fields
    if fields:
        print("\nsettings")
        _table(
            [
                (
                    f"  {name}",
                    _type(field.annotation),
                    "required" if field.is_required() else f"= {field.default!r}",
                )
                for name, field in fields.items()
            ]
        )


def _type(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")


def check(
    recipe: Annotated[str, typer.Argument(help="A recipe's name or file.")],
    changes: Changes = None,
) -> None:
    """Check that a recipe can be built; exit status 1 where it cannot.

    Example: zoo check my-birds.toml
    """
    from zoo_registry import Recipe, RecipeError

    try:
        checked = Recipe.read(recipe, catalogue(), changes or ())
        before = checked.pretrain
        while before is not None and not Path(before).expanduser().is_dir():
            before = Recipe.read(before, catalogue()).pretrain
    except RecipeError as error:
        print(error)
        raise typer.Exit(1) from None
    print(f"{checked.name}: can be built")


def lock(
    recipe: Annotated[str, typer.Argument(help="A recipe's name or file.")],
    changes: Changes = None,
) -> None:
    """Print a recipe with every default filled in, as JSON.

    Example: zoo lock attngan-birds > attngan-birds.json
    """
    from zoo_registry import Recipe

    print(json.dumps(Recipe.read(recipe, catalogue(), changes or ()).locked(), indent=2))


def doctor(as_json: Json = False) -> None:
    """Show versions, devices, plugins and caches: what to put into a bug report.

    Example: zoo doctor --json
    """
    from huggingface_hub.constants import ENDPOINT, HF_HUB_CACHE, HF_HUB_OFFLINE

    from ..data.cache import cache_folder, cache_size
    from ..environment import environment

    facts = environment() | {
        "image_cache": {"folder": str(cache_folder()), "bytes": cache_size()},
        "hub": {"endpoint": ENDPOINT, "offline": HF_HUB_OFFLINE, "cache": HF_HUB_CACHE},
        "failed_plugins": {str(p): p.error for p in catalogue().plugins if p.error},
        "clashes": list(catalogue().clashes()),
    }
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    rows = []
    for key, value in facts.items():
        if isinstance(value, dict):
            rows += [(f"{key}.{name}", str(entry)) for name, entry in value.items()]
        elif isinstance(value, list):
            rows.append((key, ", ".join(map(str, value)) or "none"))
        else:
            rows.append((key, str(value)))
    _table(rows)


def _first_comment(path: Path) -> str:
    """What a recipe says of itself: the comment of its second line, under the command that launches it."""
    lines = [
        line[1:].strip() for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")
    ]
    return lines[0] if lines else ""


def _table(rows: Iterable[Sequence[str]]) -> None:
    """Aligned columns, as wide as they need to be."""
    rows = list(rows)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
