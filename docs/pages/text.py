"""Docstrings, settings and citations as Markdown."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

_CODE = re.compile(r"(`[^`]*`)")
_ARXIV = re.compile(r"\barXiv:(\d{4}\.\d{4,5})")
_GITHUB = re.compile(r"(?<![\w/])github\.com/[\w./-]*\w")


def prose(text: str) -> str:
    """A docstring's text as Markdown: nothing in it is markup but code in backticks; papers are links."""
    pieces = _CODE.split(" ".join(text.split()))
    return "".join(p if p.startswith("`") else cited(re.sub(r"([*_<>|\[\]\\])", r"\\\1", p)) for p in pieces)


def cited(text: str) -> str:
    """Numbers of arXiv and addresses of GitHub as links."""
    text = _ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", text)
    return _GITHUB.sub(lambda match: f"[{match[0]}](https://{match[0]})", text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; empty where there are no rows."""
    lines = ["| " + " | ".join(cell.replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *lines]) if lines else ""


def code(value: Any) -> str:
    """A value as TOML would have it, in backticks; None is "not set"."""
    return "not set" if value is None else f"`{toml(value)}`"


def toml(value: Any) -> str:
    """A value as it stands in a recipe."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def paragraphs(part: Any) -> list[str]:
    """The paragraphs of a docstring, each still with its lines."""
    return [p for p in re.split(r"\n\s*\n", inspect.cleandoc(part.__doc__ or "")) if p.strip()]


def described(part: Any, names: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """What a docstring says in general, by paragraph, and what it says of each setting.

    A paragraph that begins with the name of a setting and a colon is about settings: each begins with its
    name (or several, with commas) at the start of a line or of a sentence.
    """
    known = set(names)
    start = re.compile(r"(?:^|(?<=\. )|(?<=\n))((?:\w+, )*\w+): ")
    general, each = [], {}
    for paragraph in paragraphs(part):
        found = [m for m in start.finditer(paragraph) if set(m[1].split(", ")) <= known]
        if not found or found[0].start() != 0:
            general.append(paragraph)
            continue
        ends = [*(match.start() for match in found[1:]), len(paragraph)]
        for match, end in zip(found, ends, strict=True):
            for name in match[1].split(", "):
                each[name] = paragraph[match.end() : end]
    return general, each


def settings(model: type[BaseModel], descriptions: Mapping[str, str], tables: str = "") -> str:
    """The table of a model's settings: name, type with its range, default, and the description of each.

    tables: the page that describes the tables among the values; "" for the same page.
    """
    schema = model.model_json_schema()
    required = set(schema.get("required", ()))
    rows = [
        (
            f"`{name}`",
            _type(one, schema.get("$defs", {})).replace("](#", f"]({tables}#"),
            "required" if name in required else code(one.get("default")),
            prose(descriptions.get(name, "")),
        )
        for name, one in schema.get("properties", {}).items()
    ]
    return table(("setting", "type", "default", "what it does"), rows)


_NAMES = {
    "integer": "integer",
    "number": "number",
    "string": "string",
    "boolean": "true or false",
    "null": "not set",
}
_BOUNDS = {"exclusiveMinimum": "above", "minimum": "from", "exclusiveMaximum": "below", "maximum": "to"}


def _type(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[table](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(one, defs) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(code(value) for value in schema.get("enum", [schema.get("const")]))
    if schema["type"] == "array":
        if "prefixItems" in schema:
            return f"{len(schema['prefixItems'])} × {_type(schema['prefixItems'][0], defs)}"
        return f"list of: {_type(schema['items'], defs)}"
    bounds = [f"{word} {schema[key]:g}" for key, word in _BOUNDS.items() if key in schema]
    if "multipleOf" in schema:
        bounds.append(f"a multiple of {schema['multipleOf']:g}")
    return " ".join([_NAMES[schema["type"]], *bounds])


def comments(model: type[BaseModel]) -> dict[str, str]:
    """What the comments beside the fields of a model say, by field, its bases' before its own."""
    descriptions: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if not (issubclass(owner, BaseModel) and owner is not BaseModel):
            continue
        source = inspect.getsource(owner)
        lines = source.splitlines()
        fields = ast.parse(source).body[0].body
        for field in (node for node in fields if isinstance(node, ast.AnnAssign)):
            first, last = field.lineno - 1, field.end_lineno or field.lineno
            while lines[first - 1].strip().startswith("#"):
                first -= 1
            beside = [line.partition("#")[2].strip() for line in lines[first:last] if "#" in line]
            if beside and isinstance(field.target, ast.Name):
                descriptions[field.target.id] = " ".join(beside)
    return descriptions
