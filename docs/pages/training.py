"""The page of the settings in a recipe's `train`, from the models that check them."""

from __future__ import annotations

from zoo_registry.training import TASKS, Evaluation, GrowthStage

from .text import comments, paragraphs, prose, settings

_HEAD = """# Settings of training

What stands in a recipe's `train = { … }`, or is changed by `zoo train RECIPE --set train.KEY=VALUE`. The
task of a recipe says which settings there are. [Recipes](recipes.md) tells how growth, decay and precision
work together.
"""


def page() -> str:
    """The page: a section per task, then the tables inside."""
    sections = [_HEAD]
    for task, model in TASKS.items():
        sections.append(
            f"## Task `{task}`\n\n{prose(paragraphs(model)[0])}\n\n{settings(model, comments(model))}\n"
        )
    for inner in (GrowthStage, Evaluation):
        name = inner.__name__
        sections.append(f"## {name}\n\n{prose(paragraphs(inner)[0])}\n\n{settings(inner, comments(inner))}\n")
    return "\n".join(sections)
