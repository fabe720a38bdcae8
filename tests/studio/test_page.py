"""The studio in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import NEEDS_CHROMIUM, PHONE, WIDE, chromium
from PIL import Image

import zoo
from zoo.imaging.grids import image_grid
from zoo_registry import Recipe, catalogue

pytestmark = [*NEEDS_CHROMIUM, pytest.mark.xdist_group("studio")]
CAPTION = "a small red bird with black wings"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def tab(browser: Any, address: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A tab with the studio; what the console complains of, and requests that leave the machine, fail."""
    page = browser.new_page(viewport=getattr(request, "param", WIDE))
    faults: list[str] = []
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    own = (address, "data:", "blob:")
    page.on("request", lambda r: None if r.url.startswith(own) else faults.append(f"asked for {r.url}"))
    page.set_default_timeout(60_000)
    page.goto(address)
    page.wait_for_selector("#generate")
    yield page
    page.close()
    assert faults == []


def tell(tab: Any, field: str, text: str) -> None:
    tab.locator(f"#{field}").locator("textarea, input").first.fill(text)


def choose(tab: Any, field: str, name: str) -> None:
    tab.locator(f"#{field} input").click()
    tab.get_by_role("option", name=name).click()


def go_to(tab: Any, name: str) -> None:
    button = tab.get_by_role("tab", name=name)
    if not button.first.is_visible():  # on a phone the last tabs are in a menu
        tab.locator(".overflow-menu > button").click()
        tab.locator(".overflow-dropdown button", has_text=name).click()
    else:
        button.first.click()


def shown(tab: Any, place: str, count: int) -> list[str]:
    """The addresses of the images of a gallery, once there are so many."""
    tab.wait_for_function(
        "([place, count]) => document.querySelectorAll(`#${place} .grid-container img`).length === count",
        arg=[place, count],
    )
    sources: list[str] = tab.locator(f"#{place} .grid-container img").evaluate_all(
        "all => all.map(i => i.src)"
    )
    return sources


def taken(tab: Any, button: str) -> bytes:
    """What a download button gives."""
    with tab.expect_download() as download:
        tab.click(f"#{button}")
    return Path(download.value.path()).read_bytes()


def toast(tab: Any) -> str:
    told = tab.locator(".toast-body").first
    told.wait_for()
    text: str = told.inner_text()
    tab.locator(".toast-close").first.click()
    tab.wait_for_selector(".toast-body", state="detached")
    return text


def test_captions_become_images_that_can_be_generated_again(tab: Any, models: Path) -> None:
    tell(tab, "seed", "3")
    tell(tab, "captions", f"{CAPTION}\na big blue bird")
    tab.click("#generate")
    shown(tab, "gallery", 8)
    pipe = zoo.load(models / "birds", device="cpu")
    wanted = image_grid(pipe([CAPTION, "a big blue bird"], seed=3, images=4), 4)
    with Image.open(BytesIO(taken(tab, "grid"))) as grid:
        np.testing.assert_array_equal(np.asarray(grid), np.asarray(wanted))
    assert (
        tab.locator("#command .cm-content").inner_text().strip()
        == f"zoo sample birds '{CAPTION}' 'a big blue bird' --images 4 --seed 3 --out image.png"
    )
    recipe = Recipe.read(json.loads(taken(tab, "recipe")), catalogue())
    assert recipe.parts["generator"].component.name == "attention-stages"


def test_words_that_are_not_known_are_marked_while_typing(tab: Any) -> None:
    tell(tab, "captions", "a <b>zorbly</b> red bird")
    tab.wait_for_selector("#unknown mark")
    marks = tab.locator("#unknown mark").all_inner_texts()
    assert "zorbly" in marks
    assert "red" not in marks
    assert "a <b>zorbly</b> red bird" in tab.locator("#unknown").inner_text()
    tell(tab, "captions", "a red bird")
    tab.wait_for_selector("#unknown mark", state="detached")


def test_captions_that_a_model_knows_are_proposed(tab: Any) -> None:
    field = tab.locator("#captions textarea")
    assert field.input_value() == "a small red bird with a yellow beak", "birds tells none"
    choose(tab, "model", "flowers")
    proposed = tab.locator("#proposed button")
    proposed.nth(1).wait_for()
    assert proposed.all_inner_texts() == ["a red flower", "<b>a blue</b> flower"]
    proposed.first.click()
    tab.wait_for_function("() => document.querySelector('#captions textarea').value === 'a red flower'")
    tab.click("#generate")
    shown(tab, "gallery", 4)
    choose(tab, "model", "birds")
    proposed.first.wait_for(state="detached")


def test_a_word_that_is_pointed_at_shows_where_stages_looked(tab: Any) -> None:
    tell(tab, "captions", CAPTION)
    tab.click("#generate")
    words = tab.locator(".looked .word")
    words.first.wait_for()
    assert words.all_inner_texts() == CAPTION.split()
    maps = words.nth(2).locator(".maps")
    assert not maps.is_visible()
    words.nth(2).hover()
    assert maps.is_visible()
    over, under = maps.bounding_box(), tab.locator(".looked .stages").bounding_box()
    assert (over["x"], over["y"]) == (under["x"], under["y"])
    before = tab.locator(".looked figure img").first.get_attribute("src")
    tab.locator("#gallery .grid-container button").nth(1).click()
    tab.wait_for_function("before => document.querySelector('.looked figure img').src !== before", arg=before)


def test_a_slider_goes_from_one_caption_to_another(tab: Any) -> None:
    go_to(tab, "Between two captions")
    tell(tab, "from", "a red bird")
    tell(tab, "to", "a big blue bird")
    tab.click("#generate-between")
    shown(tab, "strip", 9)
    frame = tab.locator("#frame img")
    frame.wait_for()
    middle = frame.get_attribute("src")
    tab.locator("#way input[type=range]").fill("8")
    tab.wait_for_function("before => document.querySelector('#frame img').src !== before", arg=middle)
    with Image.open(BytesIO(taken(tab, "animation"))) as animation:
        assert animation.n_frames == 16


def test_a_word_is_swapped_by_the_same_noise(tab: Any) -> None:
    go_to(tab, "Swap a word")
    tell(tab, "swap-caption", CAPTION)
    tell(tab, "others", "blue, green")
    tab.click("#generate-swap")
    shown(tab, "variants", 12)
    told = tab.locator("#variants .caption-label").all_inner_texts()
    assert told[::4] == [CAPTION, CAPTION.replace("red", "blue"), CAPTION.replace("red", "green")]
    tell(tab, "word", "purple")
    tab.click("#generate-swap")
    assert "the word 'purple' is not in the caption" in toast(tab)


def test_an_image_is_restyled(tab: Any, tmp_path: Path) -> None:
    image = tmp_path / "flower.png"
    Image.new("RGB", (40, 30), "crimson").save(image)
    go_to(tab, "Restyle")
    tab.click("#generate-restyle")
    assert "expected an image" in toast(tab)
    tab.set_input_files("#upload input[type=file]", image)
    tab.locator("#upload img").wait_for()
    tab.click("#generate-restyle")
    assert "has no style encoder" in toast(tab), "birds have none"
    choose(tab, "model", "flowers")
    tab.click("#generate-restyle")
    tab.locator("#restyled img").wait_for()


def test_two_models_side_by_side(tab: Any) -> None:
    go_to(tab, "Compare")
    choose(tab, "other", "shapes")
    tell(tab, "compare-captions", CAPTION)
    tab.click("#generate-compare")
    assert set(shown(tab, "left", 4)).isdisjoint(shown(tab, "right", 4))


@pytest.mark.parametrize(
    ("captions", "told"),
    [
        ("", "expected a caption"),
        ("red " * 100, "300 characters or fewer"),
        ("a bird\n" * 9, "8 captions or fewer"),
        ("zorbly", "no word of the caption 'zorbly' is known"),
    ],
)
def test_what_cannot_be_generated_is_reported(tab: Any, captions: str, told: str) -> None:
    tell(tab, "captions", captions)
    tab.click("#generate")
    assert told in toast(tab)


@pytest.mark.parametrize("tab", [PHONE], indirect=True)
def test_on_a_phone_nothing_is_wider_than_the_screen(tab: Any) -> None:
    tell(tab, "captions", f"{CAPTION} {CAPTION}")
    tab.click("#generate")
    shown(tab, "gallery", 4)
    for name in ("Generate", "Between two captions", "Swap a word", "Restyle", "Compare"):
        go_to(tab, name)
        tab.wait_for_timeout(200)
        assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
        outside = "all => all.filter(e => e.getBoundingClientRect().right > innerWidth).length"
        pieces = tab.locator(".images img:visible, .word:visible, .stages img:visible, .primary:visible")
        assert pieces.count() > 0
        assert pieces.evaluate_all(outside) == 0, name
