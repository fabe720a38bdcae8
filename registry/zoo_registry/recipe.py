"""Recipes: small TOML files that name parts and their settings. Read, extended, checked and locked here."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from .component import Component
from .errors import RecipeError, ZooError, nearest
from .registry import Catalogue
from .schema import fill, schema_of
from .training import REQUIRED, TASKS, Training

FORMAT = 1
SINGLE = ("text_encoder", "image_encoder", "conditioning", "generator", "discriminator")
"""Kinds of which a recipe has at most one."""
HEADER = ("zoo", "name", "task", "paper", "pretrain")
ASSEMBLER = ("use", "weights", "frozen")
"""Keys of a part's table that are the assembler's; all others are the part's settings."""


@dataclass(frozen=True)
class Choice:
    """One part as a recipe chose it."""

    component: Component
    settings: BaseModel
    weights: str | None = None  # "folder-or-repo#part"
    frozen: bool = False

    def locked(self) -> dict[str, Any]:
        """The table with every default filled in."""
        table: dict[str, Any] = {"use": self.component.name}
        if self.weights is not None:
            table["weights"] = self.weights
        if self.frozen:
            table["frozen"] = True
        return table | self.settings.model_dump(mode="json")


@dataclass(frozen=True)
class Recipe:
    """A recipe that can be built: every name resolved, every setting checked and filled in."""

    name: str
    task: str
    paper: str
    pretrain: str | None
    parts: Mapping[str, Choice]  # by kind
    losses: tuple[Choice, ...]
    train: Training

    def locked(self) -> dict[str, Any]:
        """The recipe as machines write it: JSON data with every default. Reading it gives the same recipe."""
        table: dict[str, Any] = {"zoo": FORMAT, "name": self.name, "task": self.task, "paper": self.paper}
        if self.pretrain is not None:
            table["pretrain"] = self.pretrain
        table |= {kind: self.parts[kind].locked() for kind in SINGLE if kind in self.parts}
        table["losses"] = [loss.locked() for loss in self.losses]
        table["train"] = self.train.model_dump(mode="json")
        return table

    @classmethod
    def read(
        cls, source: str | Path | Mapping[str, Any], catalogue: Catalogue, changes: Iterable[str] = ()
    ) -> Recipe:
        """Read, extend, change and check a recipe.

        source: a name, a .toml or .json file, or the data itself. changes: "train.steps=100", applied last.
        Raises `RecipeError` with all problems at once, `ZooError` where there is nothing to check.
        """
        if isinstance(source, Mapping):
            table = _extended(deepcopy(dict(source)), catalogue, Path(), ())
        else:
            table = _table(source, catalogue)
        for change in changes:
            _apply(table, change)
        return _check(table, catalogue)


def _table(
    source: str | Path, catalogue: Catalogue, base: Path = Path(), chain: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The raw data of a recipe named by a file or by a plugin, with what it extends merged in."""
    path = base / source
    is_file = Path(source).suffix in (".toml", ".json")
    if not is_file:
        path = catalogue.recipe(str(source))
    if str(path) in chain:
        raise ZooError(f"recipe {source} extends itself: {' -> '.join((*chain, str(path)))}")
    try:
        text = path.read_text(encoding="utf-8")
        table = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise ZooError(
            f"no such recipe file: {path}; recipes by name: {', '.join(catalogue.recipe_names())}"
        ) from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ZooError(f"{path} cannot be read as a recipe: {error}") from None
    if not isinstance(table, dict):
        raise ZooError(f"{path} cannot be read as a recipe: a table is wanted, found {type(table).__name__}")
    return _extended(table, catalogue, path.parent, (*chain, str(path)))


def _extended(
    table: dict[str, Any], catalogue: Catalogue, base: Path, chain: tuple[str, ...]
) -> dict[str, Any]:
    parent = table.pop("extends", None)
    return table if parent is None else _merged(_table(parent, catalogue, base, chain), table)


def _merged(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Tables merge key by key; another `use` replaces the part whole; lists replace lists."""
    result = dict(parent)
    for key, value in child.items():
        before = result.get(key)
        if (
            isinstance(before, dict)
            and isinstance(value, dict)
            and value.get("use", before.get("use")) == before.get("use")
        ):
            result[key] = _merged(before, value)
        else:
            result[key] = value
    return result


def _apply(table: dict[str, Any], change: str) -> None:
    """Apply "train.steps=100".

    A loss is named by its `use` or its place: "losses.damsm.weight=5", "losses[0].weight=2".
    """
    path, sign, text = change.partition("=")
    keys = re.sub(r"\[(\d+)\]", r".\1", path.strip()).split(".")
    if not sign or not all(keys):
        raise ZooError(f"--set {change}: KEY=VALUE is wanted, as in train.steps=100")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    target: Any = table
    for depth, key in enumerate(keys[:-1]):
        if isinstance(target, list):
            found = [
                e
                for i, e in enumerate(target)
                if key in (str(i), e.get("use") if isinstance(e, dict) else None)
            ]
            if not found:
                names = [str(e.get("use")) for e in target if isinstance(e, dict)]
                raise ZooError(
                    f"--set {change}: {'.'.join(keys[:depth])} has no {key!r}{nearest(key, names)}"
                )
            target = found[0]
        else:
            target = target.setdefault(key, {})
        if not isinstance(target, dict | list):
            raise ZooError(f"--set {change}: {'.'.join(keys[: depth + 1])} is a value, not a table")
    if isinstance(target, list):
        raise ZooError(f"--set {change}: names a whole part of a list; name a setting of it")
    target[keys[-1]] = value


def _check(table: Mapping[str, Any], catalogue: Catalogue) -> Recipe:
    """Resolve every name and check every setting, collecting all problems."""
    problems: list[str] = []
    name = table.get("name", "recipe")
    for key in table:
        if key not in (*HEADER, *SINGLE, "losses", "train"):
            problems.append(
                f"{key}: no such key{nearest(key, [*HEADER, *SINGLE, 'losses', 'train', 'extends'])}"
            )
    for key in ("name", "task", "paper", "pretrain"):
        if key in table and not isinstance(table[key], str):
            problems.append(f"{key}: a string is wanted, found {table[key]!r}")
    if table.get("zoo") != FORMAT:
        newer = (
            "; a newer zoo wrote it" if isinstance(table.get("zoo"), int) and table["zoo"] > FORMAT else ""
        )
        problems.append(f"zoo: this is format {FORMAT}, found {table.get('zoo')!r}{newer}")
    if "name" not in table:
        problems.append("name: missing; every recipe has one")
    task = table.get("task")
    if task not in TASKS:
        problems.append(f"task: {task!r} is no task{nearest(str(task), TASKS)}")

    parts: dict[str, Choice] = {}
    for kind in SINGLE:
        if kind in table:
            choice = _choice(table[kind], kind, kind, catalogue, problems)
            if choice is not None:
                parts[kind] = choice
        elif kind in REQUIRED.get(str(task), ()):
            problems.append(f"{kind}: missing; the task {task!r} needs one of: {_names(catalogue.of(kind))}")
    entries = table.get("losses", [])
    losses: list[Choice] = []
    if not isinstance(entries, list) or not entries:
        problems.append(
            f"losses: a list of at least one is wanted; there are: {_names(catalogue.of('loss'))}"
        )
        entries = []
    for index, entry in enumerate(entries):
        choice = _choice(entry, "loss", f"losses[{index}]", catalogue, problems)
        if choice is not None:
            losses.append(choice)

    train: BaseModel | None = None
    if task in TASKS:
        train, faults = fill(TASKS[str(task)], table.get("train", {}), "train")
        problems += faults
    places = [*parts.items(), *((f"losses[{index}]", loss) for index, loss in enumerate(losses))]
    chosen_kinds = {k for k in SINGLE if k in table}
    if len(places) == len(chosen_kinds) + len(entries):  # with an unknown part, what is given cannot be told
        problems += _misfits(places, catalogue)
    if problems:
        raise RecipeError(str(name), problems)
    assert isinstance(train, Training)
    return Recipe(
        name=str(name),
        task=str(task),
        paper=table.get("paper", ""),
        pretrain=table.get("pretrain"),
        parts=parts,
        losses=tuple(losses),
        train=train,
    )


def _choice(table: Any, kind: str, place: str, catalogue: Catalogue, problems: list[str]) -> Choice | None:
    if not isinstance(table, Mapping) or not isinstance(table.get("use"), str):
        problems.append(
            f"{place}: a table with 'use' is wanted, as in {{ use = \"…\" }}, found {json.dumps(table)}"
        )
        return None
    try:
        component = catalogue.get(kind, table["use"])
    except ZooError as error:
        problems.append(f"{place}.use: {error}")
        return None
    weights, frozen = table.get("weights"), table.get("frozen", False)
    if weights is not None and not isinstance(weights, str):
        problems.append(f'{place}.weights: "folder-or-repo#part" is wanted, found {weights!r}')
    if not isinstance(frozen, bool):
        problems.append(f"{place}.frozen: true or false is wanted, found {frozen!r}")
    values = {key: value for key, value in table.items() if key not in ASSEMBLER}
    schema = schema_of(component).settings
    settings, faults = fill(schema, values, place)
    problems += faults
    if settings is None:
        settings = (
            schema.model_construct()
        )  # stands in, so that misfits are still told; the problems refuse the recipe
    return Choice(component, settings, weights, bool(frozen))


def _misfits(places: Iterable[tuple[str, Choice]], catalogue: Catalogue) -> Iterable[str]:
    """Needs that no chosen part gives, each with the parts that would."""
    chosen = dict(places)
    given = {gift for choice in chosen.values() for gift in choice.component.gives}
    for place, choice in chosen.items():
        for need in sorted(set(choice.component.needs) - given):
            givers = [c for kind in SINGLE for c in catalogue.of(kind) if need in c.gives]
            kinds = sorted({c.kind for c in givers})
            without = [f"{chosen[kind].component.name!r}" for kind in kinds if kind in chosen]
            lack = f"which {' and '.join(without)} does not give" if without else "which nothing here gives"
            offers = "; ".join(
                f"{k.replace('_', ' ')}s that do: {_names(c for c in givers if c.kind == k)}" for k in kinds
            )
            yield f"{place}: {choice.component.name!r} needs {need}, {lack}{'; ' + offers if offers else ''}"


def _names(components: Iterable[Component]) -> str:
    return ", ".join(component.name for component in components)
