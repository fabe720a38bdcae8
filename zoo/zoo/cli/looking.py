"""Commands that look: list, check, lock, doctor."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Annotated

import typer

from zoo_registry import KINDS, ZooError, catalogue
from zoo_registry.errors import first_line, nearest
from zoo_registry.registry import heading
from zoo_registry.text import expanded


def _device(name: str | None) -> str | None:
    """The name of `--device`, once it is one of this machine: before a command does anything."""
    if name is not None:
        from ..devices import device_named

        device_named(name)
    return name


Device = Annotated[
    str | None,
    typer.Option(callback=_device, help="cpu, cuda, cuda:1, mps; the best there is when left out."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, as in train.steps=100."),
]


MODELS = ("recipe", "pretrained")
"""The kinds that `zoo list models` lists: what can be trained, and what is trained."""


def list_(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KIND] [PATTERN]",
            help="A kind of part, 'recipe', 'pretrained', or 'models' for these two; and names, as 'attn*'.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the parts, recipes and trained models that are installed.

    Example: zoo list generator

    Example: zoo list 'attn*'
    """
    kinds: tuple[str, ...] = (*KINDS, *MODELS)
    kind, pattern = _kind_and_pattern(what or [], (*kinds, "models"))
    if kind is not None:
        kinds = MODELS if kind == "models" else (kind,)
    found = [row for k in kinds for row in _rows(k)]
    rows = [row for row in found if fnmatchcase(row["name"], pattern)]
    if found and not rows:
        names = [row["name"] for row in found]
        raise ZooError(
            f"no {kind or 'part, recipe or model'} is called {pattern!r}"
            + nearest(pattern.strip("*"), names if kind else {*names, *kinds, "models"})
        )
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        table([(row["kind"], row["name"], row["summary"], row["paper"]) for row in rows])


def _kind_and_pattern(words: list[str], kinds: Collection[str]) -> tuple[str | None, str]:
    """What the arguments of `zoo list` ask for: a kind, or None for all, and a pattern of names."""
    match words:
        case []:
            return None, "*"
        case [word]:
            return (word, "*") if word in kinds else (None, word)
        case [kind, pattern] if kind in kinds:
            return kind, pattern
        case [kind, _]:
            raise ZooError(f"{kind!r} is no kind of part{nearest(kind, kinds)}")
        case _:
            raise ZooError(f"expected a kind and a pattern at most, got {' '.join(words)}; quote the pattern")


def _rows(kind: str) -> Iterator[dict[str, str]]:
    """What is installed of a kind."""
    if kind == "recipe":
        for name in catalogue().recipe_names():
            summary, _ = heading(catalogue().recipe(name))
            yield {"kind": kind, "name": name, "summary": summary, "paper": ""}
    elif kind == "pretrained":
        yield from map(_pretrained, catalogue().pretrained_names())
    else:
        for c in catalogue().of(kind):
            yield {"kind": kind, "name": c.name, "summary": c.summary, "paper": c.paper}


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
        while before is not None and not expanded(before).is_dir():
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

    from ..data.cache import cache_folder, size_of
    from ..environment import cards, environment

    facts = environment() | {
        "cards": cards(),
        "cache": {"folder": str(cache_folder()), "bytes": size_of(cache_folder())},
        "hub": {
            "endpoint": ENDPOINT,
            "offline": HF_HUB_OFFLINE,
            "folder": HF_HUB_CACHE,
            "bytes": size_of(expanded(HF_HUB_CACHE)),
        },
        "failed_plugins": {str(p): p.error for p in catalogue().plugins if p.error},
        "clashes": list(catalogue().clashes()),
    }
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    rows = []
    for key, value in facts.items():
        if isinstance(value, dict):
            rows += [(f"{key}.{name}", _fact(name, entry)) for name, entry in value.items()]
        elif isinstance(value, list):
            rows.append((key, ", ".join(map(str, value)) or "none"))
        else:
            rows.append((key, str(value)))
    table(rows)


def _fact(name: str, value: object) -> str:
    return size(value) if name == "bytes" and isinstance(value, int) else str(value)


def size(count: int) -> str:
    """Bytes as people read them."""
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def table(rows: Iterable[Sequence[str]]) -> None:
    """Aligned columns, as wide as they need to be."""
    rows = list(rows)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
