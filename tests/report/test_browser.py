"""The page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import NEEDS_CHROMIUM, PHONE, WIDE, chromium
from PIL import Image

from zoo.report.compare import write_comparison
from zoo.report.page import write_report

from .made_up import (
    ATTRIBUTES,
    CAPTIONS,
    ENVIRONMENT,
    FID,
    RECIPE,
    gan_lines,
    result,
    results,
    score,
    write_json,
    write_log,
    write_samples,
)

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


class Tab:
    """A report in a browser's tab. Whatever the page complains of or asks the network for fails the test."""

    def __init__(self, browser: Any, report: Path, viewport: dict[str, int] = WIDE) -> None:
        self.page = browser.new_page(viewport=viewport)
        self.faults: list[str] = []
        self.page.on("console", lambda message: self.faults.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.goto(report.as_uri())

    def _asked(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.faults.append(f"asked for {url}")

    def wait_for_step(self, step: str) -> None:
        self.wait_for(f"step {step}")

    def wait_for(self, told: str) -> None:
        """Until this stands beside the slider."""
        self.page.wait_for_function("s => document.querySelector('output').textContent === s", arg=told)

    def row(self, index: int) -> np.ndarray[Any, Any]:
        """The pixels that a row of samples shows: red, green, blue and opacity."""
        pixels, width = self.page.evaluate(
            """index => {
              const canvas = document.querySelectorAll('canvas[data-run]')[index];
              const {width, height} = canvas;
              const copy = new OffscreenCanvas(width, height).getContext('2d');
              copy.drawImage(canvas, 0, 0);
              return [Array.from(copy.getImageData(0, 0, width, height).data), width];
            }""",
            index,
        )
        return np.array(pixels, np.uint8).reshape(-1, width, 4)

    def chart(self, title: str) -> Any:
        return self.page.locator(".panel", has=self.page.get_by_text(title)).last

    def overflow(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def test_the_newest_samples_stand_beside_their_captions(browser: Any, run: Path) -> None:
    tab = Tab(browser, write_report(run))
    tab.wait_for_step("1,200")
    with Image.open(run / "samples" / "step_00001200.png") as grid:
        generated = np.asarray(grid.crop((66, 66 * 2, 66 + 64, 66 * 2 + 64)), float)
    shown = tab.row(2)[:, 65 : 65 + 64, :3].astype(float)
    assert np.abs(shown - generated).mean() < 3, "row 3, column 2 of the grid"
    for row in tab.page.locator(".row").all():
        caption, canvas = row.locator("p").bounding_box(), row.locator("canvas").bounding_box()
        assert caption["x"] > canvas["x"] + canvas["width"]
        middles = [box["y"] + box["height"] / 2 for box in (caption, canvas)]
        assert middles[0] == pytest.approx(middles[1], abs=1)
    assert (
        tab.page.locator(".row canvas").first.evaluate("c => getComputedStyle(c).imageRendering")
        == "pixelated"
    )
    assert not tab.faults


def test_slider_keys_and_play_go_through_the_training(browser: Any, run: Path) -> None:
    tab = Tab(browser, write_report(run))
    tab.wait_for_step("1,200")
    newest = tab.row(0)
    tab.page.locator("#step").fill("0")
    tab.wait_for_step("200")
    oldest = tab.row(0)
    assert np.abs(oldest.astype(int) - newest).mean() > 20
    tab.page.keyboard.press("ArrowRight")
    tab.wait_for_step("400")
    tab.page.keyboard.press("ArrowLeft")
    tab.wait_for_step("200")
    assert np.array_equal(tab.row(0), oldest)
    tab.page.get_by_role("button", name="Play").click()
    tab.wait_for_step("1,200")
    tab.page.get_by_role("button", name="Play").wait_for()  # at the end it stops by itself
    assert np.array_equal(tab.row(0), newest)
    assert not tab.faults


def test_curves_tell_the_step_under_the_pointer_and_zoom(browser: Any, run: Path) -> None:
    tab = Tab(browser, write_report(run))
    chart = tab.chart("Generator terms")
    canvas, step = chart.locator("canvas"), chart.locator("h3 span")
    canvas.scroll_into_view_if_needed()
    assert step.inner_text() == "step 1,200"
    box = canvas.bounding_box()
    x = [box["x"] + box["width"] * share for share in (0.3, 0.5, 0.7)]
    y = box["y"] + 60

    def steps_at() -> list[int]:
        found = []
        for place in x:
            tab.page.mouse.move(place, y)
            found.append(int(step.inner_text().removeprefix("step ").replace(",", "")))
        return found

    before = steps_at()
    assert 200 < before[0] < before[1] < before[2] < 1000
    tab.page.mouse.move(x[0], y)
    tab.page.mouse.down()
    tab.page.mouse.move(x[2], y, steps=4)
    tab.page.mouse.up()
    zoomed = steps_at()
    assert zoomed[2] - zoomed[0] < 0.6 * (before[2] - before[0])
    assert before[0] < zoomed[0] < zoomed[2] < before[2]
    canvas.dblclick()
    assert steps_at() == before
    assert not tab.faults


def test_a_curve_is_hidden_by_its_name(browser: Any, run: Path) -> None:
    tab = Tab(browser, write_report(run))
    chart = tab.chart("Discriminator terms")
    canvas = chart.locator("canvas")
    before = canvas.evaluate("c => c.toDataURL()")
    name = chart.get_by_role("button", name="bce/128")
    name.click()
    assert name.get_attribute("aria-pressed") == "false"
    assert canvas.evaluate("c => c.toDataURL()") != before
    name.click()
    assert canvas.evaluate("c => c.toDataURL()") == before
    assert not tab.faults


def test_nothing_runs_out_of_a_phone(browser: Any, run: Path) -> None:
    Image.new("RGB", (1400, 900)).save(run / "samples" / "attention.png")
    tab = Tab(browser, write_report(run), PHONE)
    tab.wait_for_step("1,200")
    assert tab.overflow() <= 0
    row = tab.page.locator(".row").first
    assert row.locator("canvas").bounding_box()["width"] > 330, "samples take the width that there is"
    assert not tab.faults


def test_a_caption_runs_nothing(browser: Any, run: Path) -> None:
    tab = Tab(browser, write_report(run))
    tab.wait_for_step("1,200")
    assert tab.page.evaluate("window.pwned") is None
    assert tab.page.get_by_text("<script>window.pwned = 1</script>").is_visible()
    assert not tab.faults


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_run_that_has_only_begun_makes_a_whole_page(
    browser: Any, begun: Path, viewport: dict[str, int]
) -> None:
    tab = Tab(browser, write_report(begun), viewport)
    assert tab.page.get_by_text("nothing logged yet", exact=True).is_visible()
    line = {"step": 10, "seconds": 1.0, "images_per_second": 2.0, "terms": {"generator/kl": 0.25}}
    write_log(begun / "log.jsonl", [line])
    write_samples(begun, [10], ["a bird"], images=1)
    one = Tab(browser, write_report(begun), viewport)
    one.wait_for_step("10")
    assert one.page.locator("#step").is_disabled()
    assert one.chart("Generator terms").locator("h3 span").inner_text() == "step 10"
    assert one.chart("Generator terms").get_by_role("button").inner_text().split() == ["kl", "0.25"]
    assert one.overflow() <= 0
    assert not tab.faults + one.faults


def test_the_definition_of_a_result_opens_and_the_scale_is_in_the_right_place(
    browser: Any, begun: Path
) -> None:
    write_json(begun / "results.json", results(ATTRIBUTES, FID))
    tab = Tab(browser, write_report(begun))
    definition = tab.page.locator(".protocol").first.get_by_text("split test")
    assert not definition.is_visible()
    tab.page.get_by_text("Definition").first.click()
    assert definition.is_visible()
    line = tab.page.locator(".track").first
    box = line.bounding_box()

    def share(mark: str) -> float:
        found = line.locator(mark).bounding_box()
        return float((found["x"] + found["width"] / 2 - box["x"]) / box["width"])

    assert share(".guess") == pytest.approx(0.125, abs=0.005)
    assert share(".dot") == pytest.approx(0.914, abs=0.005)
    assert share(".truth") == pytest.approx(0.99, abs=0.005)
    assert not tab.faults


def test_metrics_are_curves_that_tell_what_is_better(browser: Any, run: Path) -> None:
    tab = Tab(browser, write_report(run))
    chart = tab.chart("retrieval")
    assert chart.get_by_text("↑ higher is better").is_visible()
    assert chart.locator("h3 span").inner_text() == "step 300"
    assert [name.split()[0] for name in chart.get_by_role("button").all_inner_texts()] == ["r1", "r5"]
    assert not tab.faults


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Two runs with three common captions, the second at another resolution and half done; a third begun."""
    folders = [tmp_path / name for name in ("first", "second", "third")]
    for folder in folders:
        write_json(folder / "recipe.json", RECIPE)
        write_json(folder / "environment.json", ENVIRONMENT)
    first, second, _ = folders
    write_log(first / "log.jsonl", gan_lines(200))
    write_log(second / "log.jsonl", gan_lines(100))
    write_samples(first, [500, 1000, 2000], CAPTIONS[:4])
    write_samples(second, [400, 1000], [*CAPTIONS[1:4], "another"], images=2, resolution=32)
    other = ATTRIBUTES | {"scores": {"body": score(0.95), "mean": score(0.6)}}
    many = [result(f"protocol-{number}@1", {"value": score(1.0)}) for number in range(8)]
    write_json(first / "results.json", results(ATTRIBUTES, FID, *many))
    write_json(second / "results.json", results(other))
    return folders


def test_one_slider_goes_through_all_runs_at_the_same_share(
    browser: Any, runs: list[Path], tmp_path: Path
) -> None:
    tab = Tab(browser, write_comparison(runs, tmp_path / "compare.html"))
    tab.wait_for("100 % of the training")

    def steps() -> list[str]:
        return [tab.page.locator(f"[data-step='{run}']").first.inner_text() for run in (0, 1)]

    assert steps() == ["step 2,000", "step 1,000"]
    newest = [tab.row(index) for index in (0, 1)]
    tab.page.locator("#step").fill("0")
    tab.wait_for("20 % of the training")
    assert steps() == ["step 500", "step 400"], "before its first grid per run shows that one"
    tab.page.keyboard.press("ArrowRight")
    tab.wait_for("25 % of the training")
    assert steps() == ["step 500", "step 400"]
    tab.page.keyboard.press("ArrowRight")
    tab.wait_for("50 % of the training")
    assert steps() == ["step 1,000", "step 1,000"]
    assert np.abs(tab.row(0).astype(int) - newest[0]).mean() > 5, "the first run has more to come"
    assert np.array_equal(tab.row(1), newest[1]), "the second has not"
    tab.page.get_by_role("button", name="Play").click()
    tab.wait_for("100 % of the training")
    tab.page.get_by_role("button", name="Play").wait_for()
    assert not tab.faults


def test_a_compared_row_is_the_row_of_its_run(browser: Any, runs: list[Path], tmp_path: Path) -> None:
    tab = Tab(browser, write_comparison(runs, tmp_path / "compare.html"))
    tab.wait_for("100 % of the training")
    with Image.open(runs[1] / "samples" / "step_00001000.png") as grid:
        generated = np.asarray(grid.crop((34, 0, 66, 32)), float)
    shown = tab.row(1)[:, -32:, :3].astype(float)  # the first caption in common, the second image
    assert np.abs(shown - generated).mean() < 4
    boxes = [canvas.bounding_box() for canvas in tab.page.locator(".block").first.locator("canvas").all()]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[1]["x"] >= boxes[0]["x"] + boxes[0]["width"]
    assert not tab.faults


def test_curves_of_several_runs_tell_what_each_had_at_the_step(
    browser: Any, runs: list[Path], tmp_path: Path
) -> None:
    tab = Tab(browser, write_comparison(runs, tmp_path / "compare.html"))
    chart = tab.chart("generator/kl")
    canvas, readout = chart.locator("canvas"), chart.locator("h3 span")
    canvas.scroll_into_view_if_needed()
    assert readout.inner_text() == "newest"
    box = canvas.bounding_box()

    def at(share: float) -> tuple[str, list[str]]:
        tab.page.mouse.move(box["x"] + box["width"] * share, box["y"] + 60)
        return readout.inner_text(), [v.inner_text() for v in chart.locator(".legend b").all()]

    step, (first, second) = at(0.3)
    assert 300 < int(step.removeprefix("step ").replace(",", "")) < 700
    assert float(first) > 0
    assert float(second) > 0
    step, (first, second) = at(0.9)
    assert int(step.removeprefix("step ").replace(",", "")) > 1600
    assert float(first) > 0
    assert second == "–", "that run has not come so far"
    name = chart.get_by_role("button", name="second")
    before = canvas.evaluate("c => c.toDataURL()")
    name.click()
    assert canvas.evaluate("c => c.toDataURL()") != before
    assert not tab.faults


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_comparison_fits_the_screen_and_its_tables_scroll(
    browser: Any, runs: list[Path], tmp_path: Path, viewport: dict[str, int]
) -> None:
    tab = Tab(browser, write_comparison(runs, tmp_path / "compare.html"), viewport)
    tab.wait_for("100 % of the training")
    assert tab.overflow() <= 0
    table = tab.page.locator(".scroll").first
    run = table.get_by_role("rowheader", name="first")
    left = run.bounding_box()["x"]
    table.evaluate("t => t.scrollTo(t.scrollWidth, 0)")
    assert table.evaluate("t => t.scrollLeft") > 0
    assert run.bounding_box()["x"] == pytest.approx(left, abs=1), "the run's name stays in sight"
    assert not tab.faults


def test_a_comparison_without_samples_or_curves_is_a_whole_page(
    browser: Any, begun: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    write_json(other / "recipe.json", RECIPE)
    for viewport in (WIDE, PHONE):
        tab = Tab(browser, write_comparison([begun, other], tmp_path / "compare.html"), viewport)
        assert tab.page.get_by_text("Without samples: run, other.").is_visible()
        assert tab.overflow() <= 0
        assert not tab.faults
