"""The page that compares runs, as text. What it does is in test_browser.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zoo.report.compare import write_comparison
from zoo_registry import ZooError

from .made_up import (
    ATTRIBUTES,
    CAPTIONS,
    ENVIRONMENT,
    FID,
    PRETRAIN,
    RECIPE,
    gan_lines,
    result,
    results,
    score,
    write_json,
    write_log,
    write_samples,
)
from .reader import Reader


def compare(out: Path, *runs: Path) -> Reader:
    assert write_comparison(runs, out) == out
    return Reader(out.read_text(encoding="utf-8"))


def made(folder: Path, recipe: dict[str, Any] = RECIPE, **environment: Any) -> Path:
    write_json(folder / "recipe.json", recipe)
    write_json(folder / "environment.json", ENVIRONMENT | environment)
    return folder


def cells(page: Reader) -> list[tuple[str, str, str]]:
    """Of each canvas its run, its row, and what it is told to be."""
    return [
        (str(a["data-run"]), str(a["data-row"]), str(a["aria-label"]))
        for tag, a in page.tags
        if tag == "canvas"
    ]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Two runs of one recipe at different resolutions, three captions in common, the second half done."""
    first = made(tmp_path / "first")
    changed = RECIPE | {"generator": {**RECIPE["generator"], "base_channels": 16}}
    second = made(tmp_path / "second", changed)
    write_log(first / "log.jsonl", gan_lines(200))
    write_log(second / "log.jsonl", gan_lines(100))
    write_samples(first, [500, 1000, 2000], CAPTIONS[:4])
    write_samples(second, [400, 1000], [*CAPTIONS[1:4], "another"], images=2, resolution=32)
    return first, second


def test_rows_of_one_caption_stand_together(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    page = compare(tmp_path / "compare.html", *pair)
    shared = [
        (str(run), str(row), f"{name}: {caption}")
        for row, caption in enumerate(CAPTIONS[1:4])
        for run, row, name in ((0, row + 1, "first"), (1, row, "second"))
    ]
    alone = [("0", "0", f"first: {CAPTIONS[0]}"), ("1", "3", "second: another")]
    assert cells(page) == shared + alone
    assert [run["steps"] for run in page.data["samples"]] == [2000, 2000]
    assert [frame["step"] for frame in page.data["samples"][1]["frames"]] == [400, 1000]


def test_the_same_caption_twice_keeps_both_rows(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    write_samples(pair[0], [500], ["a bird", "a bird"])
    write_samples(pair[1], [500], ["a bird"])
    assert [cell[:2] for cell in cells(compare(tmp_path / "c.html", *pair))] == [
        ("0", "0"),
        ("1", "0"),
        ("0", "1"),
    ]


def test_terms_that_several_runs_have_share_a_panel(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    lines = gan_lines(100)
    for line in lines:
        line["terms"]["generator/extra"] = 1.0
    write_log(pair[1] / "log.jsonl", lines)
    (panels,) = compare(tmp_path / "compare.html", *pair).data["stages"]
    titles = [panel["title"] for panel in panels]
    assert "generator/kl" in titles
    assert "generator/extra" not in titles
    kl = panels[titles.index("generator/kl")]
    assert [(c["name"], c["run"], c["steps"][-1]) for c in kl["series"]] == [
        ("first", 0, 2000),
        ("second", 1, 1000),
    ]


def test_metrics_share_a_panel_on_the_same_data_alone(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    third = made(tmp_path / "third", data={"source": "garden:1000", "steps": 2000})
    for run in (*pair, third):
        line = {"step": 100, "seconds": 1.0, "metrics": {FID["identity"]: 80.0}}
        write_log(run / "log.jsonl", [line])
    write_json(pair[1] / "results.json", results(FID))
    (panels,) = compare(tmp_path / "compare.html", *pair, third).data["stages"]
    ((title, data, better, names),) = [
        (p["title"], p["data"], p["better"], [curve["name"] for curve in p["series"]]) for p in panels
    ]
    assert (title, data, better) == (FID["identity"], "aviary:1000", "lower")
    assert names == ["first", "second"]


def test_numbers_of_different_protocols_never_share_a_column(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    third = made(tmp_path / "third")
    smaller = result("fid-test-5k@1[images=200, resolution=64]", {"fid": score(60.0, 200)}, "lower")
    elsewhere = FID | {"data": {"source": "aviary:6000", "fingerprint": "another"}}
    better = FID | {"scores": {"fid": score(48.5, 500, interval=[47.0, 50.0])}}
    write_json(pair[0] / "results.json", results(ATTRIBUTES, FID))
    write_json(pair[1] / "results.json", results(smaller, better))
    write_json(third / "results.json", results(elsewhere))
    page = compare(tmp_path / "compare.html", *pair, third)
    heads, names, *rows = page.table("matrix")
    assert [head.partition("]")[0] for head in heads] == [
        "Run",
        "fid-test-5k@1[images=500, resolution=64",
        "attributes-2k@1[resolution=64",
        "fid-test-5k@1[images=200, resolution=64",
        "fid-test-5k@1[images=500, resolution=64",
    ]
    assert names == ["fid", "mean", "fid", "fid"]
    assert rows == [
        ["first", "52.25", "0.6570.650 … 0.664", "–", "–"],
        ["second", "48.5047.00 … 50.00", "–", "60.00", "–"],
        ["third", "–", "–", "–", "52.25"],
    ]
    text = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "<b>48.50</b>" in text, "the lower distance is the better one"
    assert "<b>52.25</b>" not in text, "a column of one has no best"


def test_all_scores_behind_a_mean_have_a_table_of_their_own(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    other = ATTRIBUTES | {"scores": {"body": score(0.95), "mean": score(0.6)}}
    write_json(pair[0] / "results.json", results(ATTRIBUTES))
    write_json(pair[1] / "results.json", results(other))
    page = compare(tmp_path / "compare.html", *pair)
    assert page.table("dots") == [
        ["Score", "", "first", "second"],
        ["body", "", "0.9140.900 … 0.925", "0.950"],
        ["beak", "", "0.4000.380 … 0.420", "–"],
        ["mean", "", "0.6570.650 … 0.664", "0.600"],
    ]


def test_only_what_differs_of_the_recipes_is_reported(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    page = compare(tmp_path / "compare.html", *pair)
    assert page.table("words") == [["Setting", "first", "second"], ["generator base channels", "32", "16"]]
    recipe = RECIPE | {
        "losses": [{"use": "bce", "weight": 1.0}],
        "generator": {"use": "dcgan", "base_channels": 32},
    }
    made(pair[1], recipe, data=ENVIRONMENT["data"] | {"source": "aviary:2000"})
    rows = compare(tmp_path / "compare.html", *pair).table("words")
    assert [[cell.strip() for cell in row] for row in rows[1:]] == [
        ["generator", "attention-stages resolutions 64, 128, 256 residual none", "dcgan"],
        ["loss damsm", "damsm weight 5.0 gammas 4.0, 5.0, 10.0", "–"],
        ["data source", "aviary:1000", "aviary:2000"],
    ]
    made(pair[1])
    assert "They do not differ." in compare(tmp_path / "compare.html", *pair).text


def test_runs_of_other_tasks_and_runs_that_have_only_begun_are_no_trouble(
    tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    matching, bare = made(tmp_path / "matching", PRETRAIN), tmp_path / "bare"
    write_json(bare / "recipe.json", RECIPE)
    page = compare(tmp_path / "compare.html", *pair, matching, bare)
    assert "4 runs" in page.text
    assert "Without samples: matching, bare." in page.text
    none = compare(tmp_path / "none.html", matching, bare)
    assert none.data == {"samples": [], "stages": [[]], "compared": True}
    assert "No term and no metric" in none.text


def test_runs_of_one_name_are_distinguished_and_linked(tmp_path: Path) -> None:
    runs = [made(tmp_path / "with space" / "birds"), made(tmp_path / "b" / "birds")]
    for run in runs:
        write_samples(run, [100], ["a bird"])
        (run / "report.html").touch()
        (run / "timelapse.mp4").touch()
    (tmp_path / "out").mkdir()
    page = compare(tmp_path / "out" / "compare.html", *runs)
    assert [row[0] for row in page.table("runs")] == ["Run", "with space/birds", "b/birds"]
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == [
        "../with%20space/birds/report.html",
        "../b/birds/report.html",
        "../with%20space/birds/timelapse.mp4",
        "../b/birds/timelapse.mp4",
    ]


def test_what_people_wrote_stays_text(tmp_path: Path) -> None:
    evil = "<script>alert(1)<'\"{{script}}&amp;<img src=x onerror=alert(1)>"
    recipe = RECIPE | {"name": evil, "generator": {"use": evil, evil: evil}, "losses": [{"use": evil}]}
    runs = [
        made(tmp_path / evil, recipe, data={"source": evil, evil: evil}),
        made(tmp_path / f"{evil}2", data={"source": evil}),
    ]
    hostile = ATTRIBUTES | {"identity": evil, "data": {"source": evil, "fingerprint": evil}}
    for run in runs:
        write_samples(run, [10], [evil])
        metrics = {"step": 10, "seconds": 1.0, "metrics": {evil: 0.5}}
        write_log(run / "log.jsonl", [metrics])
        write_json(
            run / "results.json", results(hostile | {"scores": {evil: score(0.5), "mean": score(0.5)}})
        )
        (run / "report.html").touch()
    page = compare(tmp_path / "compare.html", *runs)
    assert sum(tag == "script" for tag, _ in page.tags) == 2, "ours and no other"
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert page.data["stages"][0][0]["title"] == evil
    assert page.text.count(evil) >= 10


def test_what_cannot_be_compared_is_refused(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    first, second = pair
    out = tmp_path / "compare.html"
    with pytest.raises(ZooError, match=r"nowhere is no run: .*there is no such folder"):
        write_comparison([first, tmp_path / "nowhere"], out)
    with pytest.raises(ZooError, match=r"first is given twice"):
        write_comparison([first, second, first / ".." / "first"], out)
    with pytest.raises(ZooError, match=r"--out .*first: is a folder; expected the name of a file"):
        write_comparison(pair, first)
    with pytest.raises(ZooError, match=r"/proc/compare\.html cannot be written: "):
        write_comparison(pair, Path("/proc/compare.html"))
    (second / "results.json").write_text('{"zoo": 1', encoding="utf-8")
    with pytest.raises(ZooError, match=r"second/results\.json cannot be read as JSON"):
        write_comparison(pair, out)
    assert not out.exists()


def zoo(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zoo.cli", "report", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_command_line(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    one = zoo(tmp_path, "first")
    assert (one.returncode, one.stdout.strip(), one.stderr) == (0, "first/report.html", "")
    assert "attngan-made-up" in (pair[0] / "report.html").read_text(encoding="utf-8")
    both = zoo(tmp_path, "first", "second")
    assert (both.returncode, both.stdout.strip()) == (0, "report.html")
    assert "2 runs" in (tmp_path / "report.html").read_text(encoding="utf-8")
    named = zoo(tmp_path, "first", "second", "--out", "compare.html")
    assert named.stdout.strip() == "compare.html"
    assert (tmp_path / "compare.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere",), "error: nowhere is no run: expected a folder with recipe.json"),
        (("first", "nowhere"), "error: nowhere is no run"),
        (("first", "--out", "a.html"), "error: --out a.html: is for the comparison of several runs"),
        (("second",), "error: second/results.json cannot be read as JSON"),
    ],
)
def test_a_mistake_on_the_command_line_is_reported(
    tmp_path: Path, pair: tuple[Path, Path], arguments: tuple[str, ...], told: str
) -> None:
    (pair[1] / "results.json").write_text("{", encoding="utf-8")
    done = zoo(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(told)
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("*.html"))
