"""The studio in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import NEEDS_CHROMIUM, PHONE, WIDE, chromium
from PIL import Image

import zoo
from zoo import Pipeline
from zoo.imaging.grids import image_grid, labelled_grid
from zoo.imaging.images import to_pillow
from zoo_registry import Recipe, catalogue

from .conftest import GRID, PROPOSED

pytestmark = [*NEEDS_CHROMIUM, pytest.mark.xdist_group("studio")]
CAPTION = "a small red bird with black wings"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def tab(browser: Any, address: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A tab with the studio; what the console complains of, and requests that leave the machine, fail."""
    settings = {"viewport": WIDE} | getattr(request, "param", {})
    page = browser.new_page(**settings)
    faults: list[str] = []
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    own = (address, "data:", "blob:")
    page.on("request", lambda r: None if r.url.startswith(own) else faults.append(f"asked for {r.url}"))
    page.set_default_timeout(60_000)
    page.goto(address)
    arrived(page)
    yield page
    page.close()
    assert faults == []


@pytest.fixture(scope="module")
def birds(models: Path) -> Pipeline:
    return zoo.load(models / "birds", device="cpu")


def arrived(tab: Any) -> None:
    """The model's own images are there."""
    tab.wait_for_selector("#main:not([inert]) #rows .image:not(.waiting)")


def choose(tab: Any, name: str) -> None:
    tab.get_by_role("tab", name=name, exact=True).click()
    tab.wait_for_function("name => document.title.startsWith(name)", arg=name)
    arrived(tab)


def go_to(tab: Any, mode: str) -> None:
    tab.locator("#modes").get_by_role("tab", name=mode).click()


def generate(tab: Any, captions: str) -> None:
    tab.evaluate("document.querySelector('#download').removeAttribute('href')")
    tab.fill("#caption", captions)
    tab.click("#generate")
    tab.wait_for_selector("#download[href]")


def pixels(tab: Any, place: str = "#rows") -> list[np.ndarray]:
    """What canvases of images show, each [R,R,3]."""
    shown = tab.locator(f"{place} canvas.pixels").evaluate_all(
        "all => all.map(c => [c.width, [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]])"
    )
    return [np.array(data, np.uint8).reshape(width, width, 4)[..., :3] for width, data in shown]


def taken(tab: Any, link: str) -> bytes:
    """What a link gives to take along."""
    with tab.expect_download() as download:
        tab.click(f"#{link}")
    return Path(download.value.path()).read_bytes()


def image(content: bytes) -> np.ndarray:
    with Image.open(BytesIO(content)) as file:
        return np.asarray(file.convert("RGB"))


def fault(tab: Any) -> str:
    tab.wait_for_selector("#fault:not([hidden])")
    told: str = tab.inner_text("#fault")
    return told


def test_a_model_shows_what_it_does_before_anything_is_asked(tab: Any) -> None:
    """Its own sample grid where its folder has one, else images that are generated once."""
    (first, *_) = pixels(tab)
    assert first.std() > 1, "no empty box"
    choose(tab, "flowers")
    assert tab.locator(".tiles button").all_inner_texts() == ["a red flower", "<b>a blue</b> flower"]
    assert [shown[0, 0].tolist() for shown in pixels(tab)] == [list(GRID["a red flower"])] * 4
    assert [shown[0, 0].tolist() for shown in pixels(tab, ".tiles")] == [
        list(GRID[text]) for text in PROPOSED
    ]
    assert tab.locator("#caption").input_value() == "a red flower"
    tab.locator(".tiles button").nth(1).click()
    tab.wait_for_selector("#download[href]")
    assert tab.locator("#caption").input_value() == "<b>a blue</b> flower"


def test_enter_generates_what_can_be_generated_again(tab: Any, birds: Pipeline) -> None:
    tab.fill("#caption", CAPTION)
    tab.press("#caption", "Shift+Enter")
    tab.keyboard.type("a big blue bird")
    assert tab.locator("#caption").input_value() == f"{CAPTION}\na big blue bird"
    tab.fill("#seed", "3")
    tab.press("#caption", "Enter")
    tab.wait_for_function("() => document.querySelector('#command code').textContent.includes('--seed 3')")
    generated = birds([CAPTION, "a big blue bird"], seed=3, images=4)
    for shown, wanted in zip(pixels(tab), generated, strict=True):
        np.testing.assert_array_equal(shown, np.asarray(wanted))
    grid = labelled_grid(generated, 4, [CAPTION, "a big blue bird"])
    np.testing.assert_array_equal(image(taken(tab, "download")), np.asarray(grid))
    tab.click("#show-command")
    assert (
        tab.inner_text("#command")
        == f"zoo sample birds '{CAPTION}' 'a big blue bird' --images 4 --seed 3 --out image.png"
    )
    recipe = Recipe.read(json.loads(taken(tab, "recipe")), catalogue())
    assert recipe.parts["generator"].component.name == "attention-stages"


def test_seed_and_count_are_steps_away(tab: Any, birds: Pipeline) -> None:
    generate(tab, CAPTION)
    tab.click("#seed-up")
    tab.wait_for_function("() => document.querySelector('#command code').textContent.includes('--seed 1')")
    tab.click("#images-down")
    tab.wait_for_function("() => document.querySelector('#command code').textContent.includes('--images 3')")
    wanted = birds(CAPTION, seed=1, images=3)
    np.testing.assert_array_equal(image(taken(tab, "download")), np.asarray(image_grid(wanted, 3)))


def test_words_that_are_not_known_are_marked_in_the_box_while_typing(tab: Any) -> None:
    tab.fill("#caption", "a <b>zorbly</b> red bird")
    marks = tab.locator("#first .mirror mark")
    marks.first.wait_for()
    assert "zorbly" in marks.all_inner_texts()
    assert "red" not in marks.all_inner_texts()
    box, mark = tab.locator("#caption").bounding_box(), tab.get_by_text("zorbly", exact=True).bounding_box()
    assert box["x"] < mark["x"]
    assert mark["x"] + mark["width"] < box["x"] + box["width"]
    assert "Not known to birds, left out:" in tab.inner_text("#unknown")
    tab.fill("#caption", "a red bird")
    marks.first.wait_for(state="detached")
    assert tab.inner_text("#unknown") == ""


def test_a_word_shows_its_attention_over_the_images(tab: Any, birds: Pipeline) -> None:
    generate(tab, f"{CAPTION} zorbly")
    assert tab.locator(".row .words s").all_inner_texts() == ["zorbly"]
    tab.locator(".row .words button", has_text="red").click()
    tab.wait_for_selector(".heat.shown")
    assert tab.locator(".heat.shown").count() == 4
    (maps,) = birds.generate(f"{CAPTION} zorbly", images=4).attention
    red = maps[:, 2].numpy()  # [4,h,w]
    low, high = (np.sort(red, axis=None)[[int(0.01 * red.size), -1 - int(0.01 * red.size)]] * 100).round()
    told = [int(re.sub(r"\D", "", tab.inner_text(f".scale .{end}"))) for end in ("least", "most")]
    assert np.abs(np.array(told) - [low, high]).max() <= 1
    heat = tab.locator("#rows .heat").evaluate_all(
        "all => all.map(c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data])"
    )
    opacity = np.array(heat).reshape(4, *red.shape[1:], 4)[..., 3]
    assert opacity.max() < 210, "the image stays visible"
    veiled, clear = (
        red < np.quantile(red, 0.1),
        (red > np.quantile(red, 0.75)) & (red < np.quantile(red, 0.9)),
    )
    assert opacity[veiled].min() > opacity[clear].max(), "veiled where little is attended to"
    tab.keyboard.press("Escape")
    tab.wait_for_selector(".heat.shown", state="detached")
    assert "quiet" in tab.locator(".row .words button").first.get_attribute("class"), "a does not lead"


def test_a_word_is_swapped_by_the_same_noise(tab: Any, birds: Pipeline) -> None:
    generate(tab, CAPTION)
    tab.locator(".row .words button", has_text="red").click()
    offered = tab.locator(".swap .chips button").all_inner_texts()
    assert "blue" in offered
    assert all(not birds.unknown(word) for word in offered), "only words that this model knows"
    tab.locator(".swap .chips button", has_text="blue").click()
    tab.wait_for_function("() => document.querySelectorAll('#rows .image:not(.waiting)').length === 8")
    wanted = birds(CAPTION.replace("red", "blue"), images=4)
    np.testing.assert_array_equal(pixels(tab)[4], np.asarray(wanted[0]))
    assert tab.locator(".row:nth-child(2) .swapped").inner_text() == "blue"
    tab.locator(".row:first-child .words button", has_text="wings").click()
    tab.locator(".swap .other").fill("zorbly")
    tab.locator(".swap .other").press("Enter")
    tab.locator(".row:nth-child(3) s", has_text="zorbly").wait_for()


def test_a_slider_goes_from_one_caption_to_another(tab: Any) -> None:
    tab.fill("#caption", "a red bird")
    go_to(tab, "Between")
    tab.fill("#other-caption", "a big blue bird")
    tab.click("#generate")
    tab.wait_for_selector("#download[href]")
    tab.wait_for_function("() => document.querySelectorAll('#strip .image:not(.waiting)').length === 9")
    frames = pixels(tab, "#strip")
    tab.locator("#step").fill("8")
    large = tab.evaluate(
        "[...document.querySelector('#frame').getContext('2d').getImageData(0, 0, 32, 32).data]"
    )
    np.testing.assert_array_equal(np.array(large).reshape(32, 32, 4)[..., :3], frames[8])
    with Image.open(BytesIO(taken(tab, "download"))) as animation:
        assert animation.n_frames == 16


def test_only_what_a_model_can_do_is_offered(tab: Any) -> None:
    modes = tab.locator("#modes button")
    assert modes.all_inner_texts() == ["Generate", "Between", "Compare"], "birds have no style encoder"
    choose(tab, "flowers")
    assert modes.all_inner_texts() == ["Generate", "Between", "Restyle", "Compare"]
    assert "attention" not in tab.inner_text(".row .words"), "flowers attend to no words"
    choose(tab, "shapes")
    assert modes.all_inner_texts() == ["Generate", "Compare"]
    assert not tab.locator("#caption").is_visible(), "shapes take no captions"
    before = pixels(tab)[0]
    tab.click("#generate")
    tab.wait_for_selector("#download[href]")
    tab.click("#generate")
    tab.wait_for_function("() => document.querySelector('#command code').textContent.includes('--seed 1')")
    assert not np.array_equal(pixels(tab)[0], before), "another seed, else nothing would be new"


def test_an_image_is_restyled(tab: Any, tmp_path: Path, models: Path) -> None:
    file = tmp_path / "flower.png"
    Image.new("RGB", (40, 30), "crimson").save(file)
    choose(tab, "flowers")
    go_to(tab, "Restyle")
    tab.click("#generate")
    assert "expected an image" in fault(tab)
    tab.set_input_files("#upload", file)
    tab.wait_for_selector("#restyled .image:not(.waiting)")
    assert tab.locator("#source").is_visible()
    flowers = zoo.load(models / "flowers", device="cpu")
    with Image.open(file) as style:
        wanted = flowers.restyle(style.copy(), "a red flower").images[-1]
    difference = pixels(tab, "#restyled")[0].astype(int) - np.asarray(to_pillow(wanted)[0], int)
    assert np.abs(difference).max() <= 1
    (tmp_path / "broken.png").write_bytes(b"<svg onload=alert(1)>")
    tab.set_input_files("#upload", tmp_path / "broken.png")
    assert "the image cannot be used" in fault(tab)


def test_two_models_side_by_side(tab: Any, birds: Pipeline, models: Path) -> None:
    choose(tab, "flowers")
    go_to(tab, "Compare")
    assert tab.locator("#other").input_value() == "finches", "which learnt from the same data"
    tab.wait_for_selector("#right .image:not(.waiting)")
    tab.fill("#caption", "a zorbly flower")
    tab.select_option("#other", "birds")
    tab.locator("#right .unknown", has_text="Not known to birds, left out: zorbly, flower").wait_for()
    assert tab.inner_text("#left h2") == "flowers"
    assert tab.inner_text("#left .unknown") == "", "which reads letters"
    assert tab.locator("#first .mirror mark").all_inner_texts() == ["zorbly", "flower"]
    tab.wait_for_function("() => document.querySelectorAll('.pair .image').length === 8")
    tops = [tab.locator(f"#{side} .image").first.bounding_box()["y"] for side in ("left", "right")]
    assert tops[0] == tops[1], "beside each other, though only one says what it does not know"
    tab.fill("#caption", "a red bird")
    tab.click("#generate")
    tab.wait_for_function(
        "() => document.querySelectorAll("
        "'.pair .image:not(.waiting) .pixels[aria-label=\"a red bird\"]').length === 8"
    )
    np.testing.assert_array_equal(pixels(tab, "#right")[0], np.asarray(birds("a red bird")[0]))


def test_a_model_that_knows_no_word_leaves_the_images_of_the_other(tab: Any) -> None:
    choose(tab, "flowers")
    go_to(tab, "Compare")
    tab.select_option("#other", "birds")
    tab.fill("#caption", "zorbly")
    tab.click("#generate")
    assert "birds: no word of the caption 'zorbly' is known" in fault(tab)
    tab.wait_for_function(
        "() => document.querySelectorAll("
        "'#left .image:not(.waiting) .pixels[aria-label=zorbly]').length === 4"
    )
    assert tab.locator("#right .image").count() == 0


def test_a_model_without_text_beside_one_that_reads_captions(tab: Any, birds: Pipeline) -> None:
    choose(tab, "shapes")
    go_to(tab, "Compare")
    tab.select_option("#other", "birds")
    tab.fill("#caption", "a red bird")
    tab.click("#generate")
    tab.wait_for_function("() => document.querySelectorAll('.pair .image:not(.waiting)').length === 8")
    np.testing.assert_array_equal(pixels(tab, "#right")[0], np.asarray(birds("a red bird")[0]))


@pytest.mark.parametrize(
    ("captions", "told"),
    [
        ("", "expected a caption"),
        ("red " * 100, "300 characters or fewer"),
        ("a bird\n" * 9, "8 captions or fewer"),
        ("zorbly", "no word of the caption 'zorbly' is known"),
    ],
)
def test_what_cannot_be_generated_is_reported_and_the_images_stay(tab: Any, captions: str, told: str) -> None:
    before = pixels(tab)
    tab.fill("#caption", captions)
    tab.click("#generate")
    assert told in fault(tab)
    assert tab.locator("#rows .image.waiting").count() == 0
    np.testing.assert_array_equal(pixels(tab)[0], before[0])


def test_waiting_is_shown_over_the_images(tab: Any) -> None:
    tab.evaluate("""() => new MutationObserver(() => {
      const waiting = document.querySelector('#rows .image.waiting');
      if (waiting && document.querySelector('.progress.busy')) window.waited = true;
    }).observe(document.body, { attributes: true, subtree: true })""")
    generate(tab, CAPTION)
    assert tab.evaluate("window.waited")
    tab.wait_for_selector(".progress:not(.busy)", state="attached")
    assert "4 images in" in tab.inner_text("#status")


@pytest.mark.parametrize("tab", [{"viewport": PHONE}], indirect=True)
def test_on_a_phone_the_first_screen_is_complete(tab: Any) -> None:
    lowest = tab.locator("#generate, #rows .image, .tools button:visible, .tools a").evaluate_all(
        "all => Math.max(...all.map(e => e.getBoundingClientRect().bottom))"
    )
    assert lowest <= PHONE["height"], "box, images and tools, without scrolling"
    generate(tab, f"{CAPTION} {CAPTION}")
    for mode in ("Generate", "Between", "Compare"):
        go_to(tab, mode)
        tab.wait_for_timeout(200)
        assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], mode
        outside = "all => all.filter(e => e.getBoundingClientRect().right > innerWidth).length"
        pieces = tab.locator("main .image:visible, .words button:visible, .tools button:visible, .primary")
        assert pieces.count() > 0
        assert pieces.evaluate_all(outside) == 0, mode


@pytest.mark.parametrize("tab", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_light_and_dark(tab: Any) -> None:
    """One accent on a ground that follows the visitor's system."""
    wanted_dark = tab.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    colours = tab.evaluate("""() => ['body', '#generate', '#modes [aria-selected=true]'].map((place) => {
      const style = getComputedStyle(document.querySelector(place));
      return [style.backgroundColor, style.color].map((c) => c.match(/[\\d.]+/g).map(Number));
    })""")
    (ground, ink), (button, _), (_, chosen) = colours
    assert (sum(ground[:3]) < sum(ink[:3])) == wanted_dark
    assert button[:3] == chosen[:3]
