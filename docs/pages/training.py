"""The page of the settings in a recipe's `train`, from the models that check them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from zoo_registry import catalogue
from zoo_registry.schema import schema_of
from zoo_registry.training import Training

from .text import comments, described, paragraphs, prose, settings

_HEAD = """# Settings of training

What stands in a recipe's `train = { … }`, or is changed by `zoo train RECIPE --set train.KEY=VALUE`. The
task of a recipe says which settings there are. [Recipes](recipes.md) tells how growth, decay and precision
work together.
"""


def page() -> str:
    """The page: what every task has, a section per task, then the tables inside."""
    sections = [_HEAD, f"## Every task\n\n{settings(Training, comments(Training))}\n"]
    inner: dict[str, type[BaseModel]] = {}
    for task in catalogue().of("task"):
        model = schema_of(task).settings
        general, descriptions = described(task.load(), model.model_fields)
        sections.append(f"## Task `{task.name}`\n\n{prose(general[0])}\n\n{settings(model, descriptions)}\n")
        inner |= {one.__name__: one for one in _tables(model)}
    for name, one in inner.items():
        sections.append(f"## {name}\n\n{prose(paragraphs(one)[0])}\n\n{settings(one, comments(one))}\n")
    return "\n".join(sections)


def _tables(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The models of the tables among a model's values."""

    def within(annotation: Any) -> Iterator[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        for argument in get_args(annotation):
            yield from within(argument)

    return [one for field in model.model_fields.values() for one in within(field.annotation)]
