"""The page as text: what it holds, and what it must never hold. What it does is in test_browser.py."""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.report.page import write_report
from zoo_registry import ZooError

from .made_up import (
    ATTRIBUTES,
    CAPTIONS,
    ENVIRONMENT,
    RECIPE,
    gan_lines,
    results,
    write_json,
    write_log,
    write_samples,
)
from .reader import Reader


def report(run: Path) -> Reader:
    path = write_report(run)
    assert path == run / "report.html"
    return Reader(path.read_text(encoding="utf-8"))


def images(page: Reader) -> list[Image.Image]:
    uris = [frame["src"] for frame in page.data["samples"][0]["frames"]]
    return [Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) for uri in uris]


def test_the_state_of_the_run_is_reported_in_a_line(run: Path) -> None:
    page = report(run)
    assert "step 1,200 of 2,000 · 42.1 images/s · 49 min" in page.text
    assert "attngan-made-up" in page.text


def test_recipe_and_environment_are_on_the_page(run: Path) -> None:
    text = report(run).text
    for words in (
        "attention-stages",
        "resolutions 64, 128, 256",
        "residual none",
        "frozen yes",
        "gammas 4.0, 5.0, 10.0",
    ):
        assert words in text
    for words in ("3.11.9", "torch 2.15.0", "source aviary:1000", "fingerprint 0123abcd"):
        assert words in text


def test_the_whole_trainings_steps_are_reported_once_they_are_known(begun: Path) -> None:
    write_log(begun / "log.jsonl", gan_lines(1))
    assert "step 10 of 2,000" in report(begun).text
    write_json(begun / "environment.json", ENVIRONMENT | {"data": {"source": "aviary"}})
    assert "step 10 ·" in report(begun).text


def test_terms_are_sorted_into_panels_and_stages_in_their_order(run: Path) -> None:
    first, main = report(run).data["stages"]
    assert [panel["title"] for panel in first] == ["Encoder terms", "retrieval"]
    assert first[1]["better"] == "higher"
    assert [curve["name"] for curve in first[1]["series"]] == ["r1", "r5"]
    assert first[1]["steps"] == list(range(30, 301, 30))
    assert [panel["title"] for panel in main] == ["Discriminator terms", "Generator terms"]
    assert [curve["name"] for curve in main[0]["series"]] == ["bce/64", "bce/128", "bce/256"]
    assert main[0]["steps"] == list(range(10, 1201, 10))


def test_metrics_of_different_measures_and_of_different_scales_have_panels_of_their_own(begun: Path) -> None:
    metrics = {
        "fid-test-5k@1[features=timm:some/net, resolution=64]": 80.0,
        "attributes-2k@1[resolution=64]/body": 0.5,
        "attributes-2k@1[resolution=64]/mean": None,
        "ranking/r1": 0.25,
        "ranking/median": 30.0,
    }
    write_log(begun / "log.jsonl", [{"step": 100, "seconds": 1.0, "metrics": metrics}])
    write_json(begun / "results.json", results(ATTRIBUTES))
    (stage,) = report(begun).data["stages"]
    generated = {
        (panel["title"], curve["name"]): (curve["values"], panel["better"])
        for panel in stage
        for curve in panel["series"]
    }
    fid = "fid-test-5k@1[features=timm:some/net, resolution=64]"
    assert generated == {
        (fid, fid): ([80.0], None),
        ("attributes-2k@1[resolution=64]", "body"): ([0.5], "higher"),
        ("attributes-2k@1[resolution=64]", "mean"): ([None], "higher"),
        ("ranking", "r1"): ([0.25], None),
        ("ranking", "median"): ([30.0], None),
    }
    assert [panel["title"] for panel in stage].count("ranking") == 2, "a share is not plotted beside a rank"


def test_a_film_is_linked_where_there_is_one(run: Path) -> None:
    assert "timelapse" not in report(run).text
    (run / "timelapse.mp4").touch()
    assert ("a", {"href": "timelapse.mp4"}) in report(run).tags


def test_a_line_cut_off_by_a_kill_is_passed_over(begun: Path) -> None:
    write_log(begun / "log.jsonl", gan_lines(3), ending='{"step": 40, "terms": {"generator/k')
    assert report(begun).data["stages"][0][0]["steps"] == [10, 20, 30]
    write_log(begun / "log.jsonl", gan_lines(3), ending="{")
    assert report(begun).data["stages"][0][0]["steps"] == [10, 20, 30]


def test_a_long_log_is_averaged_to_as_many_points_as_a_screen_has(begun: Path) -> None:
    lines = [
        {"step": s, "seconds": s, "images_per_second": 1.0, "terms": {"generator/kl": float(s % 2)}}
        for s in range(1, 8001)
    ]
    write_log(begun / "log.jsonl", lines)
    page = report(begun)
    ((panel,),) = page.data["stages"]
    assert len(panel["steps"]) == 1334
    assert panel["steps"][-1] == 8000
    assert set(panel["series"][0]["values"][:-1]) == {0.5}
    assert "the mean of 6 lines" in page.text


def test_what_is_not_finite_is_a_gap_and_the_data_is_still_json(begun: Path) -> None:
    lines = gan_lines(3)
    lines[1]["terms"]["generator/kl"] = float("nan")
    write_log(begun / "log.jsonl", lines)
    (kl,) = (c for c in report(begun).data["stages"][0][1]["series"] if c["name"] == "kl")
    assert kl["values"][1] is None
    assert None not in (kl["values"][0], kl["values"][2])


def test_pages_before_the_first_line_and_the_first_sample(begun: Path) -> None:
    page = report(begun)
    assert "nothing logged yet" in page.text
    assert "None yet." in page.text
    assert page.data == {"samples": [], "stages": [[]], "compared": False}
    write_log(begun / "log.jsonl", gan_lines(1))
    assert report(begun).data["stages"][0][0]["steps"] == [10]


def test_while_the_first_stage_runs_its_progress_is_reported(run: Path) -> None:
    (run / "log.jsonl").unlink()
    shutil.rmtree(run / "samples")
    assert "first stage, damsm-made-up · step 300 of 300" in report(run).text


def test_grids_are_embedded_in_order_and_look_as_they_were_generated(run: Path) -> None:
    page = report(run)
    assert [frame["step"] for frame in page.data["samples"][0]["frames"]] == [200, 400, 600, 800, 1000, 1200]
    newest = np.asarray(images(page)[-1], float)
    with Image.open(run / "samples" / "step_00001200.png") as grid:
        generated = np.asarray(grid, float)
    assert newest.shape == (8 * 64, 4 * 64, 3)
    for row, column in ((0, 0), (3, 2), (7, 3)):
        ours = newest[64 * row : 64 * row + 64, 64 * column : 64 * column + 64]
        theirs = generated[66 * row : 66 * row + 64, 66 * column : 66 * column + 64]
        assert np.abs(ours - theirs).mean() < 2


def test_of_many_grids_an_even_choice_stays_with_first_and_last(begun: Path) -> None:
    write_samples(begun, list(range(1, 61)), ["a bird"], images=1, resolution=8)
    steps = [frame["step"] for frame in report(begun).data["samples"][0]["frames"]]
    assert len(steps) == 24
    assert (steps[0], steps[-1]) == (1, 60)
    assert set(np.diff(steps)) == {2, 3}


def test_large_noisy_grids_keep_the_page_under_six_megabytes(begun: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8 * 130 - 2, 4 * 130 - 2, 3), dtype=np.uint8)
    write_json(
        begun / "samples" / "grid.json", {"captions": CAPTIONS, "images": 4, "seed": 0, "resolution": 128}
    )
    for step in range(24):
        Image.fromarray(noise).save(begun / "samples" / f"step_{step:06d}.png", compress_level=0)
    Image.fromarray(np.tile(noise, (3, 2, 1))).save(begun / "samples" / "attention.png", compress_level=0)
    page = report(begun)
    assert (begun / "report.html").stat().st_size < 6_000_000
    assert len(page.data["samples"][0]["frames"]) == 24
    assert images(page)[-1].width > images(page)[0].width, "the newest grid is the last to lose detail"


def test_captions_and_names_stay_text(run: Path) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{script}}&amp;"
    write_json(
        run / "samples" / "grid.json", {"captions": [evil] * 8, "images": 4, "seed": 0, "resolution": 64}
    )
    write_json(
        run / "recipe.json", RECIPE | {"name": evil, "paper": evil, "generator": {"use": evil, evil: evil}}
    )
    write_json(
        run / "environment.json",
        ENVIRONMENT | {"platform": evil, "plugins": {evil: evil}, "data": {"source": evil}},
    )
    line = {"step": 10, "seconds": 1.0, "images_per_second": 1.0, "terms": {f"generator/{evil}": 1.0}}
    write_log(run / "log.jsonl", [line])
    page = report(run)
    assert sum(tag == "script" for tag, _ in page.tags) == 2, "ours and no other"
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert page.text.count(evil) >= 8 + 5
    assert page.data["stages"][1][0]["series"][0]["name"] == evil


def test_the_page_asks_for_nothing(run: Path) -> None:
    Image.new("RGB", (64, 64)).save(run / "samples" / "attention.png")
    page = report(run)
    sources = [a[key] for _, a in page.tags for key in ("src", "srcset", "poster", "data") if key in a]
    assert sources
    assert all(source is not None and source.startswith("data:image/") for source in sources)
    assert not [tag for tag, _ in page.tags if tag in ("link", "iframe", "object", "base")]
    assert not re.search(r"url\(|@import", (run / "report.html").read_text(encoding="utf-8"))


def test_the_attention_figure_is_shown_where_there_is_one(run: Path) -> None:
    assert "Attention" not in report(run).text
    Image.new("RGB", (64, 64)).save(run / "samples" / "attention.png")
    assert "Attention" in report(run).text


def test_a_report_is_written_without_torch(begun: Path) -> None:
    program = (
        "import sys, pathlib; from zoo.report.page import write_report; "
        "write_report(pathlib.Path(sys.argv[1])); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, str(begun)], check=True, timeout=60)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ZooError, match=r"missing is no run: expected .*recipe\.json.*there is no such folder"
    ):
        write_report(tmp_path / "missing")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ZooError, match=r"is no run: .* it holds: notes\.txt"):
        write_report(tmp_path)
    (tmp_path / "recipe.json").write_text("[1, 2", encoding="utf-8")
    with pytest.raises(ZooError, match=r"recipe\.json cannot be read as JSON"):
        write_report(tmp_path)
    (tmp_path / "recipe.json").write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(ZooError, match=r"recipe\.json: expected a JSON object, got list"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()
