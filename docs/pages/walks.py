"""A figure of two walks through the code: a recipe to its first step, a caption to its image.

Each call is looked up in the code by its name, so that a walk that is no longer true is an error here.
"""

from __future__ import annotations

import ast
from html import escape
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).resolve().parents[2]
_SOURCES = {"zoo": "zoo", "zoo_registry": "registry", "zoo_plugins": "plugins"}


class Call(NamedTuple):
    """One function that calls another or makes an object of a class: "module:name", methods by Class.name."""

    caller: str
    callee: str


WALKS: dict[str, tuple[Call, ...]] = {
    "a recipe to its first step": (
        Call("zoo.cli.training:train", "zoo.training.trainer:train"),
        Call("zoo.training.trainer:_chain", "zoo_registry.recipe:Recipe.read"),
        Call("zoo.training.trainer:_dataset", "zoo.data.source:open_dataset"),
        Call("zoo.training.stage:Stage._images", "zoo.data.images:ImageSet"),
        Call("zoo.training.stage:Stage._train", "zoo.assemble:assemble"),
        Call("zoo.assemble:assemble", "zoo.models.weights:read"),
        Call("zoo.training.learner:Learner._update", "zoo_plugins.tasks.gan:Adversarial.loss"),
    ),
    "a caption to its image": (
        Call("zoo.cli.generating:_load", "zoo.pipeline:load"),
        Call("zoo.pipeline:Pipeline.from_pretrained", "zoo.models.locate:locate"),
        Call("zoo.pipeline:Pipeline.from_pretrained", "zoo.files.model:Model.recipe"),
        Call("zoo.files.model:Model.recipe", "zoo_registry.recipe:Recipe.read"),
        Call("zoo.pipeline:Pipeline.from_pretrained", "zoo.assemble:assemble"),
        Call("zoo.pipeline:Pipeline.tokens", "zoo_plugins.text_encoders.words:WordEncoder.tokenize"),
        Call("zoo.pipeline:Pipeline.__call__", "zoo.imaging.images:to_pillow"),
    ),
}
"""The second room of each conducts: it calls the others, each of which is entered once."""

_LEFT, _WIDTH, _HEIGHT, _STEP = 20, 480, 40, 62


def room(place: str) -> str:
    """The room of a function: a root's subpackage or module, the registry, the parts."""
    root, *inner = place.partition(":")[0].split(".")
    return {"zoo_registry": "registry", "zoo_plugins": "parts"}.get(root, inner[0] if inner else root)


def rooms(walk: tuple[Call, ...]) -> list[str]:
    """The rooms in the order of entering. Raises ValueError where a call is not in the code."""
    for call in walk:
        _check(call)
    return [room(walk[0].caller), *(name for name, _ in groupby(room(call.callee) for call in walk))]


def _check(call: Call) -> None:
    name = call.callee.replace(":", ".").rpartition(".")[2]
    _definition(call.callee)  # raises where there is none
    named = {  # called, or handed on to be called, as with functools.partial
        getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(_definition(call.caller))
    }
    if name not in named:
        raise ValueError(f"{call.caller} does not call {call.callee}")


def _definition(place: str) -> ast.AST:
    module, _, name = place.partition(":")
    file = _ROOT / _SOURCES[module.partition(".")[0]] / Path(*module.split(".")).with_suffix(".py")
    found: ast.AST = ast.parse(file.read_text(encoding="utf-8"))
    for part in name.split("."):
        inside = [
            n for n in ast.walk(found) if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == part
        ]
        if not inside:
            raise ValueError(f"{place} is not in the code")
        found = inside[0]
    return found


def figure() -> str:
    """Both walks as SVG, side by side: a box per room, with what is called there."""
    columns = [_column(title, walk, i) for i, (title, walk) in enumerate(WALKS.items())]
    height = 70 + _STEP * max(len(rooms(walk)) for walk in WALKS.values())
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * (_LEFT + _WIDTH) + _LEFT} {height}" '
            'font-family="sans-serif" font-size="14">',
            f"<title>{escape(' and '.join(WALKS))}</title>",
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0 0 8 4 0 8z" fill="#00796b"/></marker></defs>',
            *(line for column in columns for line in column),
            "</svg>\n",
        ]
    )


def _column(title: str, walk: tuple[Call, ...], number: int) -> list[str]:
    left = _LEFT + number * (_LEFT + _WIDTH)
    lines = [f'<text x="{left}" y="30" fill="#111" font-weight="bold">{escape(title.capitalize())}</text>']
    entered = [(room(walk[0].caller), [walk[0].caller])]
    entered += [(name, [c.callee for c in group]) for name, group in groupby(walk, lambda c: room(c.callee))]
    for i, (name, places) in enumerate(entered):
        top = 50 + i * _STEP
        calls = ", ".join(place.replace(":", ".") for place in places)
        lines += [
            f'<rect x="{left}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" rx="4" fill="#e0f2f1" '
            'stroke="#00796b"/>',
            f'<text x="{left + 10}" y="{top + 17}" fill="#111">{escape(name)}</text>',
            f'<text x="{left + 10}" y="{top + 33}" fill="#555" font-size="12">{escape(calls)}</text>',
        ]
        if i:
            middle = left + _WIDTH // 2
            lines.append(
                f'<path d="M{middle} {top - _STEP + _HEIGHT} V{top}" stroke="#00796b" '
                'marker-end="url(#head)"/>'
            )
    return lines
