"""Mutation testing: every mutant behaves otherwise, and figures say of which version of a file they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import mutants

CODE = '''
def larger(a, b):
    """Text and defaults are left alone: 1 + 1."""
    found = [b]
    if a > b:
        found[0] = a
    return found[0] + 0
'''


def test_the_mutants_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(CODE)
    outcomes = {}
    for mutant in mutants.mutants(path):
        names: dict[str, Any] = {}
        exec(mutant.code(), names)
        try:
            found: Any = [names["larger"](*pair) for pair in ((1, 2), (3, 2), (2, 2))]
        except IndexError:
            found = "IndexError"
        outcomes[mutant.name.partition(": ")[2]] = found
    assert outcomes == {
        "Gt to GtE in `if a > b:`": [2, 3, 2],  # an equivalent one
        "removed in `found[0] = a`": [2, 2, 2],
        "0 to 1 in `found[0] = a`": "IndexError",
        "Add to Sub in `return found[0] + 0`": [2, 3, 2],
        "0 to 1 in `return found[0] + 0`": "IndexError",
        "0 to 1 in `return found[0] + 0` (2)": [3, 4, 3],
    }


def test_figures_stay_with_the_version_of_the_file_that_they_are_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, summary = tmp_path / "code.py", tmp_path / "mutants.json"
    path.write_text(CODE)
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    monkeypatch.setattr(mutants, "SOURCES", (path,))
    first, second, *_ = mutants.mutants(path)
    source = mutants.digest([path])
    mutants.summarise({(first.name, source): "survived", (second.name, source): "killed"}, summary)
    written = json.loads(summary.read_text())
    row = {"source": source, "mutants": 6, "tried": 2, "killed": 1, "survivors": {first.name: ""}}
    assert written == {"all": {"mutants": 6, "tried": 2, "killed": 1}, "files": {"code.py": row}}

    row["survivors"] = {first.name: "equivalent"}
    summary.write_text(json.dumps(written | {"files": {"code.py": row}}))
    mutants.summarise({(first.name, source): "survived", (second.name, source): "killed"}, summary)
    assert json.loads(summary.read_text())["files"]["code.py"] == row
    assert "changed" not in capsys.readouterr().out

    path.write_text(CODE + "\n")
    mutants.summarise({(first.name, source): "killed"}, summary)  # of the version before
    assert json.loads(summary.read_text())["files"]["code.py"] == row
    assert "code.py changed since its mutants were tried" in capsys.readouterr().out
