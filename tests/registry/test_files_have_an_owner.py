"""The names of a run's and a model's files stand in one package of the engine."""

from __future__ import annotations

import ast
from pathlib import Path

import zoo

NAMES = (
    "recipe.json",
    "environment.json",
    "log.jsonl",
    "done.json",
    "grid.json",
    "manifest.json",
    "state.json",
    "state.safetensors",
    "timelapse.mp4",
    "results.json",
    "config.json",
    "samples.png",
)


def test_no_other_module_names_them() -> None:
    engine = Path(zoo.__file__).parent
    found = [
        f"{path.relative_to(engine)}:{node.lineno}: {node.value!r}"
        for path in sorted(engine.rglob("*.py"))
        if path.parent != engine / "files"
        and path != engine / "cli/looking.py"  # zoo list has no time for pydantic
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if " " not in node.value and node.value.rpartition("/")[2] in NAMES
    ]
    assert not found
