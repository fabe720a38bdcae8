"""Docstrings, settings and citations as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from zoo_registry.explain import as_toml, explain

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
    return "not set" if value is None else f"`{as_toml(value)}`"


def settings(model: type[BaseModel], link: str = "") -> str:
    """The table of a model's settings: name, type with its range, default, and what it does.

    link: the page that describes the tables among the values; "" for the same page.
    """
    rows = [
        (
            f"`{one.name}`",
            re.sub(r"table (\w+)", lambda m: f"[table]({link}#{m[1].lower()})", prose(one.type)),
            "required" if one.required else code(one.default),
            prose(one.meaning),
        )
        for one in explain(model)
    ]
    return table(("setting", "type", "default", "what it does"), rows)
