"""A part's constructor is its schema.

Positional-only parameters are wires, keyword-only ones are settings.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from .component import Component
from .errors import nearest
from .explain import meanings


@dataclass(frozen=True)
class Schema:
    """What a part's constructor asks for."""

    wires: tuple[type, ...]  # in order
    settings: type[BaseModel]  # strict, nothing extra; described as in the docstring


@cache
def schema_of(component: Component) -> Schema:
    """The schema of a part. Imports it."""
    constructor = _constructor(component.load())
    hints = get_type_hints(constructor, include_extras=True)
    parameters = inspect.signature(constructor).parameters
    described = meanings(component.load(), parameters)
    wires: list[type] = []
    settings: dict[str, Any] = {}
    for parameter in list(parameters.values())[1:]:
        if parameter.kind is parameter.POSITIONAL_ONLY:
            wires.append(hints[parameter.name])
        elif parameter.kind is parameter.KEYWORD_ONLY:
            default = ... if parameter.default is parameter.empty else parameter.default
            field = Field(default, description=described.get(parameter.name))
            settings[parameter.name] = (hints[parameter.name], field)
        else:
            raise TypeError(
                f"{component.target}: {parameter.name!r} is no wire (before '/') and no setting (after '*')"
            )
    model = create_model(
        f"{component.name} settings",
        __config__=ConfigDict(strict=True, extra="forbid", frozen=True, protected_namespaces=()),
        **settings,
    )
    return Schema(tuple(wires), model)


def _constructor(part: type) -> Callable[..., None]:
    """The part's own constructor; one without parameters where only its contract has one."""
    owners = [c for c in part.__mro__ if "__init__" in vars(c) and not getattr(c, "_is_protocol", False)]
    if vars(owners[0])["__init__"] is object.__init__:  # typing writes that into a class without one
        return lambda self: None
    constructor: Callable[..., None] = owners[0].__init__  # type: ignore[misc]
    return constructor


def fill(model: type[BaseModel], values: Mapping[str, Any], place: str) -> tuple[BaseModel | None, list[str]]:
    """Validate settings and fill in their defaults: the filled model, or every problem with its place."""
    if not isinstance(values, Mapping):
        return None, [f"{place}: expected a table, got {json.dumps(values)}"]
    try:
        return model.model_validate_json(json.dumps(dict(values))), []
    except ValidationError as error:
        return None, list(_problems(error, model, place))


def _problems(error: ValidationError, model: type[BaseModel], place: str) -> Iterator[str]:
    for each in error.errors(include_url=False):
        where = place + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in each["loc"])
        if each["type"] == "extra_forbidden":
            yield f"{where}: no such setting{nearest(str(each['loc'][-1]), model.model_fields)}"
        elif each["type"] == "missing":
            yield f"{where}: missing; it has no default"
        else:
            message = each["msg"].removeprefix("Value error, ")
            given = json.dumps(each["input"], default=repr)
            yield f"{where}: {message[0].lower()}{message[1:]}, got {given}"
