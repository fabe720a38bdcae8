"""The record that lists a part.

Making one imports nothing of the part: `target` is resolved when it is built.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Kind = Literal[
    "text_encoder",
    "image_encoder",
    "conditioning",
    "generator",
    "discriminator",
    "loss",
    "augmentation",
    "task",
    "dataset",
    "metric",
    "protocol",
    "importer",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, kw_only=True)
class Component:
    """One part of the catalogue.

    kind, name: how recipes find it. A name is a promise: same name, settings and weights give the same image.
    target: "package.module:Class", imported only when the part is shown or built.
    summary: one line for `zoo list`.
    paper: where it comes from, as "arXiv:NUMBER" or a citation.
    gives, needs: what other parts of a recipe can rely on and what this one relies on ("words", …),
        so that a recipe that cannot work is refused before anything is built.
    given_if: gifts that depend on a boolean setting, each with the setting's name.
    """

    kind: Kind
    name: str
    target: str
    summary: str
    paper: str = ""
    gives: Set[str] = frozenset()
    needs: Set[str] = frozenset()
    given_if: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "gives", frozenset(self.gives))
        object.__setattr__(self, "needs", frozenset(self.needs))

    def load(self) -> Any:
        """The class itself."""
        module, _, attribute = self.target.partition(":")
        return getattr(importlib.import_module(module), attribute)
