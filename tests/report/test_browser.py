"""The page in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo.report import write_report

from .made_up import write_log, write_samples

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium"),
]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


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
        self.page.wait_for_function(
            "s => document.querySelector('output').textContent === s", arg=f"step {step}"
        )

    def row(self, index: int) -> np.ndarray[Any, Any]:
        """The pixels that a row of samples shows: red, green, blue and opacity."""
        pixels, width = self.page.evaluate(
            """index => {
              const canvas = document.querySelectorAll('.row canvas')[index];
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
        drawn = np.asarray(grid.crop((66, 66 * 2, 66 + 64, 66 * 2 + 64)), float)
    shown = tab.row(2)[:, 65 : 65 + 64, :3].astype(float)
    assert np.abs(shown - drawn).mean() < 3, "row 3, column 2 of the grid"
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
