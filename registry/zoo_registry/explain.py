"""What settings mean, for whoever sets them: read from docstrings, types and defaults.

A class's docstring describes its settings in paragraphs of their own, each by its name at the start of a line
or of a sentence, several that belong together with commas between:

    width: channels of the first map. depth: how often the resolution is halved.
    lr, betas: of Adam.

What a class does not describe, its bases do.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel

_NAMES = re.compile(r"(?:^|(?<=\. )|(?<=\n))((?:\w+, )*\w+): ")


class Setting(NamedTuple):
    """A setting as it is explained in a line."""

    name: str
    type: str  # with its range: "integer from 1"
    default: Any  # as in JSON
    required: bool
    meaning: str  # "" where nothing describes it


def introduction(owner: type, names: Collection[str]) -> list[str]:
    """The paragraphs of a class's docstring that describe no settings, each on one line."""
    return [
        " ".join(paragraph.split()) for paragraph in _paragraphs(owner) if not _described(paragraph, names)
    ]


def meanings(owner: type, names: Collection[str]) -> dict[str, str]:
    """What docstrings say of each setting, on one line: the class's own, else those of its bases."""
    found: dict[str, str] = {}
    for base in reversed(owner.__mro__):
        for paragraph in _paragraphs(base):
            found |= _described(paragraph, names)
    return found


def _paragraphs(owner: type) -> list[str]:
    return [p for p in re.split(r"\n\s*\n", inspect.cleandoc(vars(owner).get("__doc__") or "")) if p.strip()]


def _described(paragraph: str, names: Collection[str]) -> dict[str, str]:
    """The settings that a paragraph describes; none where it does not begin with one."""
    found = [m for m in _NAMES.finditer(paragraph) if set(m[1].split(", ")) <= set(names)]
    if not found or found[0].start() != 0:
        return {}
    ends = [*(match.start() for match in found[1:]), len(paragraph)]
    return {
        name: " ".join(paragraph[match.end() : end].split())
        for match, end in zip(found, ends, strict=True)
        for name in match[1].split(", ")
    }


def explain(model: type[BaseModel]) -> tuple[Setting, ...]:
    """Every setting of a model, in order."""
    schema = model.model_json_schema()
    described = meanings(model, model.model_fields)
    return tuple(
        Setting(
            name,
            _type(one),
            one.get("default"),
            model.model_fields[name].is_required(),
            model.model_fields[name].description or described.get(name, ""),
        )
        for name, one in schema.get("properties", {}).items()
    )


def tables(model: type[BaseModel]) -> tuple[type[BaseModel], ...]:
    """The models of the tables among a model's values."""

    def within(annotation: Any) -> Iterator[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        for argument in get_args(annotation):
            yield from within(argument)

    return tuple(one for field in model.model_fields.values() for one in within(field.annotation))


def as_toml(value: Any) -> str:
    """A value in JSON as it stands in a recipe."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {as_toml(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)


_PLAIN = {
    "integer": "integer",
    "number": "number",
    "string": "string",
    "boolean": "true or false",
    "null": "not set",
    "object": "table",
}
_BOUNDS = {"exclusiveMinimum": "above", "minimum": "from", "exclusiveMaximum": "below", "maximum": "to"}


def _type(schema: Mapping[str, Any]) -> str:
    """A type and its range in words."""
    if "$ref" in schema:
        return f"table {schema['$ref'].rpartition('/')[2]}"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        *first, last = map(json.dumps, schema.get("enum", [schema.get("const")]))
        return f"{', '.join(first)} or {last}" if first else last
    if schema.get("type") == "array":
        if "prefixItems" in schema:
            return f"{len(schema['prefixItems'])} × {_type(schema['prefixItems'][0])}"
        return f"[{_type(schema.get('items', {}))}, …]"
    bounds = [f"{word} {schema[key]:g}" for key, word in _BOUNDS.items() if key in schema]
    if bounds[:1] == ["above 0"] and schema.get("type") == "integer":
        bounds[0] = "from 1"
    multiple = f", a multiple of {schema['multipleOf']:g}" if "multipleOf" in schema else ""
    return " ".join([_PLAIN.get(schema.get("type", ""), "any value"), *bounds]) + multiple
