"""Grids of images, with labels or without."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from PIL import Image, ImageDraw, ImageFont

from .text import ACCENT, INK, TYPE, broken

GAP = 2
"""Pixels between the cells of a grid."""
LABELS, MARGIN = 220, 6
"""Pixels that the labels of rows take at most, and around them."""
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


def labelled_grid(
    images: Sequence[Image.Image], columns: int, labels: Sequence[str], strong: Collection[str] = ()
) -> Image.Image:
    """An `image_grid` whose rows have their labels at the left; words among `strong` stand out."""
    width, height = images[0].size
    font = ImageFont.load_default(TYPE)
    lines = [broken(label, font, LABELS) for label in labels]
    left = round(max(font.getlength(line) for label in lines for line in label)) + 2 * MARGIN
    leading = round(TYPE * 1.35)
    pitch = max(height, leading * max(map(len, lines))) + GAP
    sheet = Image.new("RGB", (left + columns * (width + GAP) - GAP, len(labels) * pitch - GAP), "white")
    draw = ImageDraw.Draw(sheet)
    emphasised = {word.casefold() for word in strong}
    for row, label in enumerate(lines):
        sheet.paste(image_grid(images[row * columns : (row + 1) * columns], columns), (left, row * pitch))
        top = row * pitch + max(0, height - leading * len(label)) // 2
        for place, line in enumerate(label):
            x = float(MARGIN)
            for word in line.split():
                ink = ACCENT if word.casefold().strip(".,;:!?") in emphasised else INK
                draw.text((x, top + leading * place), word, ink, font)
                x += font.getlength(f"{word} ")
    return sheet


def upscaled(image: Image.Image, least: int = LEAST) -> Image.Image:
    """The image at the smallest whole multiple whose shorter side is `least` pixels or more."""
    factor = math.ceil(least / min(image.size))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
