"""Grids of images."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image

GAP = 2
"""Pixels between the cells of a grid."""
LEAST = 128
"""Pixels that a small image is shown at, or more."""


def image_grid(images: Sequence[Image.Image], columns: int, gap: int = GAP) -> Image.Image:
    """Images of one size, row by row, `gap` white pixels between them and none around."""
    width, height = images[0].size
    rows = math.ceil(len(images) / columns)
    grid = Image.new("RGB", (columns * (width + gap) - gap, rows * (height + gap) - gap), "white")
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        grid.paste(image, (column * (width + gap), row * (height + gap)))
    return grid


def upscaled(image: Image.Image, least: int = LEAST) -> Image.Image:
    """The image at the smallest whole multiple whose shorter side is `least` pixels or more."""
    factor = math.ceil(least / min(image.size))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
