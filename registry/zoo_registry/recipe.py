"""Recipes: small TOML files that name parts and their settings. Read, extended, checked and locked here."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Set
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from .component import Component
from .errors import RecipeError, ZooError, nearest
from .fit import misfits, names
from .registry import Catalogue
from .schema import fill, schema_of
from .text import read_json, read_text
from .training import Training, training_of

FORMAT = 1
SINGLE = (
    "text_encoder",
    "image_encoder",
    "conditioning",
    "generator",
    "discriminator",
    "style_encoder",
)
"""Places of a recipe that hold one part each."""
LISTS = {"losses": "loss", "augmentations": "augmentation"}
"""Places that hold several, and the kind of those."""
MOST_EXTENDED, MOST_NESTED = 20, 20
HEADER = ("zoo", "name", "task", "paper", "pretrain")
PRETRAIN = "pretrain"
"""What stands for the folder in `weights` where a part takes those of the recipe that runs first."""
_NETWORK = frozenset({"use", "weights", "frozen"})
_ASSEMBLER = {
    "loss": frozenset({"use", "weight"}),
    "augmentation": frozenset({"use"}),
    "extractor": frozenset({"use"}),
}
"""Keys of a part's table that are the assembler's, by kind; all others are the part's settings."""


@dataclass(frozen=True)
class Choice:
    """One part as a recipe chose it."""

    component: Component
    settings: BaseModel
    weights: str | None = None  # "folder-or-repo#part"
    frozen: bool = False
    schedule: tuple[tuple[int, float], ...] = ((0, 1.0),)  # of a loss: its weight at some steps

    @property
    def gives(self) -> Set[str]:
        """What the part gives with these settings."""
        conditional = self.component.given_if
        return {
            g for g in self.component.gives if g not in conditional or getattr(self.settings, conditional[g])
        }

    def origin(self, place: str) -> tuple[str, str] | None:
        """The folder or repository that the weights come from, and the part there; None for fresh ones."""
        if self.weights is None:
            return None
        folder, sign, part = self.weights.rpartition("#")  # a folder's own name may hold a #
        return (folder, part) if sign and part in SINGLE else (self.weights, place)

    def weight(self, step: int) -> float:
        """The weight of a loss at a step, from 0: linear between two of the schedule, constant outside."""
        first, last = self.schedule[0], self.schedule[-1]
        if step <= first[0]:
            return first[1]
        for (begin, low), (end, high) in pairwise(self.schedule):
            if step <= end:
                return low + (high - low) * (step - begin) / (end - begin)
        return last[1]

    def locked(self) -> dict[str, Any]:
        """The table with every default filled in."""
        table: dict[str, Any] = {"use": self.component.name}
        if self.component.kind == "loss":
            constant = len(self.schedule) == 1
            table["weight"] = self.schedule[0][1] if constant else [list(point) for point in self.schedule]
        if self.weights is not None:
            table["weights"] = self.weights
        if self.frozen:
            table["frozen"] = True
        return table | self.settings.model_dump(mode="json")


@dataclass(frozen=True)
class Recipe:
    """A recipe that can be built: every name resolved, every setting checked and filled in."""

    name: str
    task: Component
    paper: str
    pretrain: str | None
    parts: Mapping[str, Choice]  # by kind
    losses: tuple[Choice, ...]
    augmentations: tuple[Choice, ...]
    train: Training

    def locked(self) -> dict[str, Any]:
        """The recipe as machines write it: JSON data with every default. Reading it gives the same recipe."""
        table: dict[str, Any] = {"zoo": FORMAT, "name": self.name, "task": self.task.name}
        table["paper"] = self.paper
        if self.pretrain is not None:
            table["pretrain"] = self.pretrain
        table |= {kind: self.parts[kind].locked() for kind in SINGLE if kind in self.parts}
        table["losses"] = [loss.locked() for loss in self.losses]
        if self.augmentations:
            table["augmentations"] = [augmentation.locked() for augmentation in self.augmentations]
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
            _check_values(source, "the recipe")
            table = _extended(deepcopy(dict(source)), catalogue, Path(), ())
        else:
            table = _table(source, catalogue)
        for change in changes:
            apply_change(table, change)
            _check_values(table, f"--set {change}")
        return _check(table, catalogue)


def _table(
    source: str | Path, catalogue: Catalogue, base: Path = Path(), chain: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The raw data of a recipe named by a file or by a plugin, with what it extends merged in."""
    path = base / source
    is_file = Path(source).suffix in (".toml", ".json")
    if not is_file:
        path = catalogue.recipe(str(source))
    if len(chain) > MOST_EXTENDED:
        raise ZooError(f"{chain[0]} extends more than {MOST_EXTENDED} recipes, one another")
    if str(path) in chain:
        raise ZooError(f"recipe {source} extends itself: {' -> '.join((*chain, str(path)))}")
    try:
        table = read_json(path) if path.suffix == ".json" else tomllib.loads(read_text(path))
    except FileNotFoundError:
        raise ZooError(
            f"no such recipe file: {path}; recipes by name: {', '.join(catalogue.recipe_names())}"
        ) from None
    except RecursionError:
        raise ZooError(f"{path} cannot be read as a recipe: it is nested too deeply") from None
    except (OSError, ValueError) as error:
        raise ZooError(f"{path} cannot be read as a recipe: {error}") from None
    if not isinstance(table, dict):
        raise ZooError(f"{path} cannot be read as a recipe: expected a table, got {type(table).__name__}")
    _check_values(table, str(path))
    return _extended(table, catalogue, path.parent, (*chain, str(path)))


def _check_values(table: Mapping[str, Any], what: str) -> None:
    """Refuse values that no setting takes: nested deeply, dates and times, numbers that are not finite."""
    waiting: list[tuple[str, Any, int]] = [("", table, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        if depth > MOST_NESTED:
            raise ZooError(f"{what}: {place[:40]}…: nested deeper than {MOST_NESTED} times")
        if isinstance(value, Mapping):
            waiting += [(f"{place}.{key}".lstrip("."), one, depth + 1) for key, one in value.items()]
        elif isinstance(value, list | tuple):
            waiting += [(f"{place}[{index}]", one, depth + 1) for index, one in enumerate(value)]
        elif isinstance(value, float) and not math.isfinite(value):
            raise ZooError(f"{what}: {place}: expected a finite number, got {value}")
        elif isinstance(value, int) and value.bit_length() > 63:
            raise ZooError(
                f"{what}: {place}: expected a whole number of 63 bits, got one of {value.bit_length():,}"
            )
        elif value is not None and not isinstance(value, bool | int | float | str):
            kind = type(value).__name__
            raise ZooError(f"{what}: {place}: expected a text, a number or a list, got the {kind} {value}")


def _extended(
    table: dict[str, Any], catalogue: Catalogue, base: Path, chain: tuple[str, ...]
) -> dict[str, Any]:
    parent = table.pop("extends", None)
    if parent is None:
        return table
    if not isinstance(parent, str):
        raise ZooError(f"extends: expected the name or the file of a recipe, got {parent!r}")
    extended = _table(parent, catalogue, base, chain)
    if table.get("task", extended.get("task")) != extended.get("task"):
        extended.pop("train", None)
    return _merged(extended, table)


def _merged(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Tables merge key by key; another `use` replaces the part whole; lists replace lists.

    Another `task` replaces `train`, whose settings are the task's.
    """
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


def apply_change(table: dict[str, Any], change: str) -> None:
    """Apply "train.steps=100" to a recipe's data. Raises `ZooError` where it names no value.

    A loss is named by its `use` or its place: "losses.NAME.weight=5", "losses[0].weight=2".
    """
    path, sign, text = change.partition("=")
    keys = re.sub(r"\[(\d+)\]", r".\1", path.strip()).split(".")
    if not sign or not all(keys):
        raise ZooError(f"--set {change}: expected KEY=VALUE, as in train.steps=100")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # no TOML: a text without quotes
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
    problems = list(_header_problems(table))
    task = _task(table, catalogue, problems)
    parts = _parts(table, task, catalogue, problems)
    for place, choice in parts.items():
        if not table.get(PRETRAIN) and str(choice.weights).startswith(f"{PRETRAIN}#"):
            problems.append(
                f'{place}.weights: expected a recipe that runs first (pretrain = "…"), whose part is taken'
            )
    chosen = {place: _choices(table, place, catalogue, problems) for place in LISTS}
    losses, augmentations = ([choice for choice in found if choice] for found in chosen.values())
    train, needs = _train(table, task, losses, problems)
    places = [*parts.items(), *((f"losses[{index}]", loss) for index, loss in enumerate(losses))]
    unknown = None in chosen["losses"] or any(kind in table for kind in SINGLE if kind not in parts)
    if not unknown:  # else what is given is not known
        problems += misfits(dict(places), needs, catalogue)
    name = str(table.get("name", "recipe"))
    if problems:
        raise RecipeError(name, problems)
    assert task is not None
    assert train is not None
    return Recipe(
        name=name,
        task=task,
        paper=table.get("paper", ""),
        pretrain=table.get("pretrain"),
        parts=parts,
        losses=tuple(losses),
        augmentations=tuple(augmentations),
        train=train,
    )


def _header_problems(table: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the keys and with the values that are no parts."""
    known = (*HEADER, *SINGLE, *LISTS, "train")
    for key in table:
        if key not in known:
            yield f"{key}: no such key{nearest(key, [*known, 'extends'])}"
    for key in ("name", "task", "paper", "pretrain"):
        if key in table and not isinstance(table[key], str):
            yield f"{key}: expected a string, got {table[key]!r}"
    version = table.get("zoo")
    if version != FORMAT:
        newer = "; a newer zoo wrote it" if isinstance(version, int) and version > FORMAT else ""
        yield f"zoo: expected format {FORMAT}, got {version!r}{newer}"
    if "name" not in table:
        yield "name: missing; every recipe has one"


def _parts(
    table: Mapping[str, Any], task: Component | None, catalogue: Catalogue, problems: list[str]
) -> dict[str, Choice]:
    """The parts of the places that hold one."""
    parts: dict[str, Choice] = {}
    for place in SINGLE:
        if place in table:
            choice = _choice(table[place], kind_of(place), place, catalogue, problems)
            if choice is not None:
                parts[place] = choice
        elif task is not None and place in task.load().places:
            candidates = names(catalogue.of(kind_of(place)))
            problems.append(f"{place}: missing; the task {task.name!r} needs one of: {candidates}")
    if {"generator", "text_encoder"} <= table.keys() and "conditioning" not in table:
        candidates = names(catalogue.of("conditioning"))
        problems.append(f"conditioning: missing; with a text encoder, choose one of: {candidates}")
    return parts


def _train(
    table: Mapping[str, Any], task: Component | None, losses: Iterable[Choice], problems: list[str]
) -> tuple[Training | None, Mapping[str, str]]:
    """The settings of `train`, and what they need some part to give."""
    if task is None:
        return None, {}
    train, mistakes = fill(training_of(task), table.get("train", {}), "train")
    problems += mistakes
    if train is None:
        return None, {}
    assert isinstance(train, Training)
    problems += task.load().problems(train, [loss.component.name for loss in losses])
    return train, task.load().plan(train).needs


def _task(table: Mapping[str, Any], catalogue: Catalogue, problems: list[str]) -> Component | None:
    if "task" not in table:
        problems.append(f"task: missing; there are: {names(catalogue.of('task'))}")
        return None
    try:
        return catalogue.get("task", str(table["task"]))
    except ZooError as error:
        problems.append(f"task: {error}")
        return None


def _choices(
    table: Mapping[str, Any], place: str, catalogue: Catalogue, problems: list[str]
) -> list[Choice | None]:
    """The parts of a list; None for each that cannot be chosen."""
    kind, entries = LISTS[place], table.get(place, [])
    required = kind == "loss"
    if not isinstance(entries, list) or (required and not entries):
        least = " of at least one" if required else ""
        problems.append(f"{place}: expected a list{least}; there are: {names(catalogue.of(kind))}")
        return []
    return [
        _choice(entry, kind, f"{place}[{index}]", catalogue, problems) for index, entry in enumerate(entries)
    ]


def choose(table: Any, kind: str, place: str, catalogue: Catalogue) -> Choice:
    """A part with its settings. `place`: of the table, for messages. Raises `ZooError` with all problems."""
    problems: list[str] = []
    choice = _choice(table, kind, place, catalogue, problems)
    if choice is None or problems:
        raise ZooError("\n".join(problems))
    return choice


def _choice(table: Any, kind: str, place: str, catalogue: Catalogue, problems: list[str]) -> Choice | None:
    if not isinstance(table, Mapping) or not isinstance(table.get("use"), str):
        problems.append(
            f"{place}: expected a table with 'use', as in {{ use = \"…\" }}, got {json.dumps(table)}"
        )
        return None
    try:
        component = catalogue.get(kind, table["use"])
    except ZooError as error:
        problems.append(f"{place}.use: {error}")
        return None
    ours = _ASSEMBLER.get(kind, _NETWORK)
    own = {key: value for key, value in table.items() if key in ours}
    weights, frozen = own.get("weights"), own.get("frozen", False)
    if weights is not None and not isinstance(weights, str):
        problems.append(f'{place}.weights: expected "folder-or-repo#part", got {weights!r}')
    if not isinstance(frozen, bool):
        problems.append(f"{place}.frozen: expected true or false, got {frozen!r}")
    schedule = _schedule(own.get("weight", 1.0))
    if schedule is None:
        problems.append(
            f"{place}.weight: expected a number from 0, or [[step, number], …] with rising steps, "
            f"got {json.dumps(own['weight'])}"
        )
    values = {key: value for key, value in table.items() if key not in ours}
    schema = schema_of(component).settings
    settings, mistakes = fill(schema, values, place)
    problems += mistakes
    if settings is None:
        settings = (
            schema.model_construct()
        )  # stands in, so that misfits are still reported; the problems refuse the recipe
    return Choice(component, settings, weights, bool(frozen), schedule or ((0, 1.0),))


def _schedule(weight: Any) -> tuple[tuple[int, float], ...] | None:
    """A loss's weight as points (step, weight); None where it is no such thing."""

    def number(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf

    if number(weight):
        return ((0, float(weight)),)
    if not isinstance(weight, list) or not weight:
        return None
    for point in weight:
        if not (isinstance(point, list) and len(point) == 2 and all(map(number, point))):
            return None
        if not isinstance(point[0], int):
            return None
    if any(a[0] >= b[0] for a, b in pairwise(weight)):
        return None
    return tuple((step, float(value)) for step, value in weight)


def kind_of(place: str) -> str:
    """The kind of the part in a recipe's place."""
    return "image_encoder" if place == "style_encoder" else LISTS.get(place, place)
