"""The page of the settings in a recipe's `train`, from the models that check them."""

from __future__ import annotations

from pydantic import BaseModel

from zoo_registry import catalogue
from zoo_registry.explain import introduction, tables
from zoo_registry.schema import schema_of
from zoo_registry.training import Training

from .text import prose, settings

_HEAD = """# Settings of training

What stands in a recipe's `train = { … }`, or is changed by `zoo train RECIPE --set train.KEY=VALUE`. The
task of a recipe says which settings there are. [Recipes](recipes.md) explains how growth, decay and precision
work together.
"""


def page() -> str:
    """The page: what every task has, a section per task, then the tables inside."""
    sections = [_HEAD, f"## Every task\n\n{settings(Training)}\n"]
    inner: dict[str, type[BaseModel]] = {}
    for task in catalogue().of("task"):
        model = schema_of(task).settings
        summary = introduction(task.load(), model.model_fields)[0]
        sections.append(f"## Task `{task.name}`\n\n{prose(summary)}\n\n{settings(model)}\n")
        inner |= {one.__name__: one for one in tables(model)}
    for name, one in inner.items():
        sections.append(f"## {name}\n\n{prose(introduction(one, one.model_fields)[0])}\n\n{settings(one)}\n")
    return "\n".join(sections)
