"""The gallery's command: what it keeps, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import lineage


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The results' file, a copy; training, measuring and images stand still."""
    results = tmp_path / "lineage.json"
    found = json.loads(lineage.RESULTS.read_text(encoding="utf-8"))
    found["machine"] = lineage.machine(lineage.torch.device("cpu"))
    results.write_text(json.dumps(found), encoding="utf-8")
    rows = {(row["recipe"], row["data"]): row for row in found["rows"]}
    monkeypatch.setattr(lineage, "RESULTS", results)
    monkeypatch.setattr(lineage, "PAGE", tmp_path / "gallery.md")
    monkeypatch.setattr(lineage, "train", lambda entry, out, *_: out / entry.folder)
    monkeypatch.setattr(lineage, "_save_grid", lambda *_: None)

    def measure(entry: lineage.Entry, *_: Any) -> dict[str, Any]:
        return rows[entry.recipe, entry.data] | {"steps": 7}

    monkeypatch.setattr(lineage, "measure", measure)
    return results


def test_one_recipe_keeps_the_rows_of_the_others(measured: Path) -> None:
    before = json.loads(measured.read_text(encoding="utf-8"))["rows"]
    lineage.main([str(measured.parent), "--only", "dm-gan-aviary"])
    after = json.loads(measured.read_text(encoding="utf-8"))["rows"]
    assert [row["steps"] for row in after if row["recipe"] == "dm-gan-aviary"] == [7]
    assert [row["recipe"] for row in after] == [row["recipe"] for row in before]
    assert [row for row in after if row["recipe"] != "dm-gan-aviary"] == [
        row for row in before if row["recipe"] != "dm-gan-aviary"
    ]
    assert (measured.parent / "gallery.md").read_text(encoding="utf-8") == lineage.page(after, 480)


@pytest.mark.parametrize(
    ("arguments", "machine", "told"),
    [
        (["--only", "zoo-bset"], {}, "choose from"),
        (
            ["--only", "dm-gan-aviary", "--seconds", "60"],
            {},
            "the other rows of lineage.json took --seconds 480",
        ),
        (["--only", "dm-gan-aviary"], {"cpu": "another"}, "were measured on another machine"),
    ],
)
def test_rows_that_cannot_be_compared_are_not_put_together(
    measured: Path,
    arguments: list[str],
    machine: dict[str, str],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = json.loads(measured.read_text(encoding="utf-8"))
    found["machine"] |= machine
    measured.write_text(json.dumps(found), encoding="utf-8")
    before = measured.read_bytes()
    with pytest.raises(SystemExit) as stopped:
        lineage.main([str(measured.parent), *arguments])
    assert stopped.value.code == 2
    assert told in capsys.readouterr().err
    assert measured.read_bytes() == before


def test_the_page_is_of_what_was_measured() -> None:
    found = json.loads(lineage.RESULTS.read_text(encoding="utf-8"))
    assert lineage.PAGE.read_text(encoding="utf-8") == lineage.page(found["rows"], found["seconds"])


def test_results_name_no_folder_of_the_machine(tmp_path: Path) -> None:
    definition = {"seed": 0, "settings": {"matcher": str(tmp_path / "independent/damsm"), "folds": 10}}
    result = {"identity": "r@1", "metric": "r", "better": "higher", "scores": {}, "definition": definition}
    (shortened,) = lineage._shortened([{**result, "counts": 3}], tmp_path)
    settings = {"matcher": "independent/damsm", "folds": 10}
    assert shortened == {**result, "definition": {"seed": 0, "settings": settings}}
    assert '"/' not in lineage.RESULTS.read_text(encoding="utf-8")
