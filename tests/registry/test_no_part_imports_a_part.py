"""A part stands alone: what several share stands in modules that are no parts."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

from zoo_registry import KINDS, catalogue

PARTS = sorted(
    {
        part.target.partition(":")[0]
        for kind in KINDS
        for part in catalogue().of(kind)
        if kind != "protocol" and part.target.startswith("zoo_plugins.")
    }
)


def imported(module: str) -> set[str]:
    """The modules that the import statements of a module name."""
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None
    names = set()
    for node in ast.walk(ast.parse(Path(found.origin).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            relative = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(relative, found.parent)
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("part", PARTS)
def test_a_part_imports_no_other(part: str) -> None:
    assert not imported(part) & (set(PARTS) - {part})
