"""Grids and attention figures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageChops

from zoo.imaging.figures import attention_figure, attention_figures, overlays
from zoo.imaging.grids import image_grid, upscaled
from zoo.imaging.images import Samples
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


def test_the_overlay_is_hottest_where_the_map_peaks() -> None:
    maps = np.zeros((2, 8, 8), np.float32)
    maps[0, 6, 1] = 0.9
    maps[1, 2, 5] = 0.3
    for ground in ((90, 140, 200), (255, 255, 255), (0, 0, 0), (220, 20, 20)):
        image = Image.new("RGB", (128, 128), ground)
        strong, weak = (np.asarray(image.convert("L"), int) for image in overlays(image, maps))
        for light, (row, column) in ((strong, (6, 1)), (weak, (2, 5))):
            y, x = np.unravel_index(light.argmax(), light.shape)
            assert [y // 16, x // 16] == [row, column]
        assert strong.max() > weak.max(), "the maps of a row share one scale"
        assert strong[0, 127] == weak[127, 0] == strong.min() == weak.min(), "cold is the same in both"


def test_a_map_without_a_peak_is_cold() -> None:
    image = Image.new("RGB", (32, 32), (200, 200, 200))
    (image,) = overlays(image, np.full((1, 4, 4), 0.25, np.float32))
    assert len(image.getcolors() or []) == 1


def test_the_figure_shows_stages_and_then_the_words_with_the_largest_shares(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from zoo.imaging import figures

    rows: list[tuple[int, list[str]]] = []
    cells = figures._Sheet.cells

    def spy(sheet: figures._Sheet, images: list[Image.Image], labels: list[str]) -> None:
        rows.append((images[0].width, labels))
        cells(sheet, images, labels)

    monkeypatch.setattr(figures._Sheet, "cells", spy)
    figure = attention_figure(generated(), 0, "a small red bird with black wings")
    words = ["wings  25%", "black  21%", "with  18%", "bird  14%", "red  11%"]
    assert rows == [(128, ["16 px", "32 px", "64 px"]), (128, words), (128, words)]
    assert figure.mode == "RGB"
    assert figure.width >= 5 * 128
    assert figure.height >= 3 * 128


def test_a_short_caption_has_as_many_maps_as_words() -> None:
    short = generated()
    short = Samples(short.images, short.attention, (WORDS[:2],))
    assert attention_figure(short, 0, "a small").size[0] >= 3 * 128


def test_a_long_caption_and_long_words_stay_on_the_sheet() -> None:
    long = generated()
    long = Samples(long.images, long.attention, (("incomprehensibilities" * 3,) * 7,))
    figure = attention_figure(long, 0, "an extraordinarily " * 20)
    width, height = figure.size
    margins = [(0, 0, 16, height), (width - 16, 0, width, height), (0, height - 16, width, height)]
    for margin in margins:
        assert figure.crop(margin).getcolors() == [
            ((margin[2] - margin[0]) * (margin[3] - margin[1]), (255,) * 3)
        ]


def test_several_figures_stand_one_below_the_other_caption_by_caption() -> None:
    pair = generated(captions=2, images=2)
    together = attention_figures(pair, ["first", "second"], 2)
    single = [
        attention_figure(pair, row, caption) for row, caption in enumerate(["first"] * 2 + ["second"] * 2)
    ]
    top = 0
    for figure in single:
        part = together.crop((0, top, figure.width, top + figure.height))
        assert ImageChops.difference(part, figure).getbbox() is None
        top += figure.height
    assert together.size == (single[0].width, top)


def test_a_model_without_attention_is_reported_so() -> None:
    with pytest.raises(ZooError, match="attends to no words"):
        attention_figure(Samples(generated().images, (), (WORDS,)), 0, "a bird")
