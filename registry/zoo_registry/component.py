"""The record that lists a part.

Making one imports nothing of the part: `target` is resolved when it is built.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Mapping, Set
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

from .errors import ZooError, said

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
    "extractor",
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
    distribution: str = field(default="", compare=False, repr=False)  # of a plugin's part

    def __post_init__(self) -> None:
        object.__setattr__(self, "gives", frozenset(self.gives))
        object.__setattr__(self, "needs", frozenset(self.needs))

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.kind}/{self.name}" + (f" of {self.distribution}" if self.distribution else "")

    def load(self) -> Any:
        """The class itself. Raises `ZooError`, with the distribution, where a plugin's cannot be imported."""
        module, _, attribute = self.target.partition(":")
        try:
            with redirect_stdout(sys.stderr):
                return getattr(importlib.import_module(module), attribute)
        except (Exception, SystemExit) as error:
            if not self.distribution:
                raise
            raise ZooError(f"{self.title}: {self.target} cannot be imported: {said(error)}") from error

    def target_exists(self) -> bool:
        """Whether `target` names something, as its source tells. Imports only the packages around it."""
        module, _, attribute = self.target.partition(":")
        try:
            with redirect_stdout(sys.stderr):
                spec = find_spec(module)
        except (Exception, SystemExit):
            return False
        if spec is None or not str(spec.origin).endswith(".py"):
            return spec is not None
        try:
            return attribute in _names(ast.parse(Path(str(spec.origin)).read_bytes()))
        except (SyntaxError, ValueError):  # no Python, or null bytes
            return False


def _names(module: ast.Module) -> set[str]:
    """What a module's source names at its top, also below `if` and `try`."""
    found: set[str] = set()
    waiting: list[ast.AST] = [module]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found
