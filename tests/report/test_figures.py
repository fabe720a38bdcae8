"""Grids and attention figures."""

from __future__ import annotations

import re
from importlib.resources import files

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from zoo.imaging.figures import HEIGHT, attention_sheet, overlay
from zoo.imaging.grids import image_grid, labelled_grid, upscaled
from zoo.imaging.images import Samples
from zoo.vary import is_function_word
from zoo_registry import ZooError

WORDS = ("a", "small", "red", "bird", "with", "black", "wings")


def generated(captions: int = 1, images: int = 1, resolutions: tuple[int, ...] = (16, 32, 64)) -> Samples:
    """Grey images, one shade an image; each word holds a horizontal band of every map, each one higher."""
    count = captions * images
    shades = torch.linspace(-0.8, 0.8, count)[:, None, None, None]
    heights = torch.arange(1, len(WORDS) + 1)
    maps = torch.zeros(count, len(WORDS) + 2, 28, 28)  # two places of padding
    for word, (low, height) in enumerate(zip(heights.cumsum(0) - heights, heights, strict=True)):
        maps[:, word, low : low + height] = 1
    return Samples(
        images=tuple(shades.expand(count, 3, resolution, resolution) for resolution in resolutions),
        attention=(maps, maps),
        words=(WORDS,) * captions,
    )


def test_a_grid_goes_row_by_row_with_a_white_gap() -> None:
    cells = [Image.new("RGB", (6, 4), colour) for colour in ("red", "lime", "blue")]
    grid = image_grid(cells, columns=2, gap=2)
    assert grid.size == (14, 10)
    assert [grid.getpixel(place) for place in ((0, 0), (8, 0), (0, 6))] == [
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
    ]
    white = (255, 255, 255)
    assert grid.getpixel((6, 0)) == grid.getpixel((7, 3)) == grid.getpixel((0, 4)) == white
    assert grid.getpixel((8, 6)) == white  # the place that is left over


@pytest.mark.parametrize(("resolution", "shown"), [(8, 128), (64, 128), (48, 144), (128, 128), (256, 256)])
def test_small_images_are_shown_at_a_whole_multiple(resolution: int, shown: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (resolution, resolution, 3), dtype=np.uint8)
    large = np.asarray(upscaled(Image.fromarray(pixels)))
    assert large.shape == (shown, shown, 3)
    assert np.array_equal(large[:: shown // resolution, :: shown // resolution], pixels)


@pytest.mark.parametrize("ground", [(90, 140, 200), (255, 255, 255), (220, 20, 20)])
def test_the_image_stays_visible_under_its_map(ground: tuple[int, int, int]) -> None:
    image = Image.new("RGB", (128, 128), ground)
    image.paste((40, 160, 60), (32, 32, 96, 96))
    attention = np.zeros((8, 8), np.float32)
    attention[6, 1] = 0.8
    shown = np.asarray(overlay(image, attention, (0.0, 0.8)), int)
    light = np.asarray(Image.fromarray(shown.astype(np.uint8)).convert("L"), int)
    y, x = np.unravel_index(light.argmax(), light.shape)
    assert [y // 16, x // 16] == [6, 1], "brightest where it peaks"
    assert np.abs(shown[8, 64] - shown[64, 64]).max() > 15, "veiled, what the image shows is still there"
    weaker = np.asarray(overlay(image, attention / 2, (0.0, 0.8)), int)
    assert weaker.max() < shown.max(), "one scale for both"


def test_a_map_without_a_peak_veils_evenly() -> None:
    image = Image.new("RGB", (32, 32), (200, 200, 200))
    shown = overlay(image, np.full((4, 4), 0.25, np.float32), (0.25, 0.25))
    assert len(shown.getcolors() or []) == 1


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written on figures, in order."""
    texts: list[str] = []
    write = ImageDraw.ImageDraw.text

    def spy(
        draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, *rest: object, **more: object
    ) -> None:
        texts.append(text)
        write(draw, place, text, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", spy)
    return texts


def test_a_sheet_leads_with_the_words_that_mean_something(written: list[str]) -> None:
    sheet = attention_sheet(generated(), ["a small red bird with black wings"])
    labels = [
        "wings",
        "black",
        "bird",
        "red",
        "small",
    ]  # "with" has more than "bird", "a" is no word to look for
    assert written[0] == "a small red bird with black wings"
    assert written[1:-1:2] == labels
    assert written[2:-1:2] == ["0 to 100%, 28 px"] * 5
    assert sheet.width == 2 * 16 + 6 * (192 + 6) - 6, "the image and five words"


def test_words_without_meaning_are_shown_where_there_are_no_others(written: list[str]) -> None:
    given = generated()
    attention_sheet(Samples(given.images, given.attention, (("a", "with"),)), ["a with"])
    assert written[1:-1:2] == ["with", "a"]


@pytest.mark.parametrize(("captions", "images"), [(1, 8), (8, 1), (2, 4), (1, 1)])
@pytest.mark.parametrize("resolution", [16, 64, 128, 256])
def test_a_sheet_of_eight_images_is_no_higher_than_a_screen_can_show(
    captions: int, images: int, resolution: int, written: list[str]
) -> None:
    texts = [f"caption {place} of a bird with black wings and a long tail" for place in range(captions)]
    sheet = attention_sheet(generated(captions, images, (resolution,)), texts)
    assert sheet.height <= HEIGHT < 2000
    assert sheet.width < 2000
    assert all(text in " ".join(written) for text in texts), "each caption is written"


def test_only_some_images_of_a_sheet() -> None:
    pair = generated(captions=2, images=2)
    whole = attention_sheet(pair, ["first", "second"])
    some = attention_sheet(pair, ["first", "second"], rows=[0])
    assert some.height < whole.height / 2


def test_a_long_caption_and_long_words_stay_on_the_sheet() -> None:
    long = generated()
    long = Samples(long.images, long.attention, (("incomprehensibilities" * 3,) * 7,))
    sheet = attention_sheet(long, ["an extraordinarily " * 20])
    width, height = sheet.size
    margins = [(0, 0, 16, height), (width - 16, 0, width, height), (0, height - 16, width, height)]
    for margin in margins:
        assert sheet.crop(margin).getcolors() == [
            ((margin[2] - margin[0]) * (margin[3] - margin[1]), (255,) * 3)
        ]


def test_a_model_without_attention_is_reported_so() -> None:
    with pytest.raises(ZooError, match="attends to no words"):
        attention_sheet(Samples(generated().images, (), (WORDS,)), ["a bird"])


def test_rows_of_a_grid_carry_their_labels(written: list[str]) -> None:
    cells = [Image.new("RGB", (32, 32), colour) for colour in ("red", "lime", "blue", "black")]
    grid = labelled_grid(
        cells, 2, ["a red bird", "a blue bird that says far more than one line holds"], ["red"]
    )
    assert " ".join(written) == "a red bird a blue bird that says far more than one line holds"
    left = grid.width - (2 * 34 - 2)
    assert grid.crop((left, 0, grid.width, 32)).tobytes() == image_grid(cells[:2], 2).tobytes()
    assert grid.getpixel((grid.width - 1, grid.height // 2 + 10)) in ((0, 0, 0), (255, 255, 255))
    assert grid.height >= 2 * 34 - 2
    assert grid.crop((0, 0, left, grid.height)).getbbox() is not None
    accent = np.asarray(grid.crop((0, 0, left, 32)), int)
    assert (np.abs(accent - (15, 118, 110)).max(axis=-1) < 40).any(), (
        "the word that tells rows apart stands out"
    )


def test_the_page_in_a_browser_knows_the_same_words_without_meaning() -> None:
    listed = (files("zoo.export.web") / "page/js/words.js").read_text(encoding="utf-8").partition(")")[0]
    words = re.findall(r"[a-z]+", " ".join(re.findall('"(.*?)"', listed)))
    assert len(words) > 20
    assert all(is_function_word(word) for word in words)
    assert not any(is_function_word(word) for word in ("red", "bird", "small"))
