"""Figures of generated images: the words that each stage attended to.

AttnGAN (arXiv:1711.10485), figure 4.

Shape letters: see zoo_registry.contracts; S is the size of a cell of the figure, in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from zoo_registry import ZooError

from ..files import file_written_beside
from .grids import upscaled
from .images import Samples, to_pillow

_MARGIN = 16
_SPACE = 6  # between the cells of a figure
_INK, _FAINT = (24, 24, 27), (113, 113, 122)
# Violet, magenta, orange, pale yellow: lightness rises all along, so the order survives colour blindness.
_HEAT = np.array([[0.0, 22, 8, 62], [0.35, 158, 28, 110], [0.7, 246, 128, 24], [1.0, 255, 244, 164]])

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def attention_figure(samples: Samples, row: int, caption: str, top: int = 5) -> Image.Image:
    """One generated image: its stages side by side, then for each attention stage a row of its `top` words.

    Maps are a softmax over words at every place, so a map's mean is the share of the image that attends
    to its word, and a caption's shares sum to one: words are ranked by it, and it is written beside them.
    (The maximum would not rank: a single place that a word wins outright brings it to one.)
    Raises `ZooError` where the generator attends to no words.
    """
    if not samples.attention:
        raise ZooError("this model's generator attends to no words, so there is no attention to show")
    stages = [to_pillow(stage[row : row + 1])[0] for stage in samples.images]
    words = samples.words[row // (len(samples.images[-1]) // len(samples.words))]
    resolution = upscaled(stages[-1]).width
    enlarged = [base.resize((resolution, resolution), Image.Resampling.NEAREST) for base in stages]

    sheet = _Sheet(resolution, columns=max(top, len(enlarged)))
    sheet.write(caption, scale=1.25, ink=_INK)
    sheet.cells(enlarged, [f"{base.width} px" for base in stages])
    for stage, maps in enumerate(samples.attention):
        # The last stages attend; the first image is sampled from the sentence alone.
        stage_image = max(0, len(enlarged) - len(samples.attention) + stage)
        values = maps[row, : len(words)].float().numpy()  # [L,h,w]
        shares = values.mean(axis=(1, 2))  # [L]
        best = np.argsort(-shares, kind="stable")[:top]
        height, width = values.shape[1:]
        sheet.write(
            f"most attended words at {height} x {width}, while generating {stages[stage_image].width} px"
        )
        sheet.cells(
            overlays(enlarged[stage_image], values[best]),
            [f"{words[word]}  {shares[word]:.0%}" for word in best],
        )
    return sheet.image()


def attention_figures(samples: Samples, captions: Sequence[str], images_per_caption: int) -> Image.Image:
    """The figures of every generated image, caption by caption, one below the other."""
    figures = [
        attention_figure(samples, row, captions[row // images_per_caption])
        for row in range(len(captions) * images_per_caption)
    ]
    return stacked(figures)


def write_attention(path: Path, samples: Samples, captions: Sequence[str]) -> None:
    """The raw attention maps as a .npz: no pickle in it, `numpy.load(path)` reads it.

    captions [C] str. images: how many were generated of each, n. For caption c, `words_{c}` [L] str, the
    pieces that the model reads, and for each stage s that attends, in order, `maps_{c}_{s}` [n,L,h,w]
    float32: the share of each place's attention that each word has; they sum to 1 over L.
    """
    count = len(samples.images[-1]) // len(captions)
    arrays: dict[str, NDArray[np.generic]] = {"captions": np.array(captions), "images": np.array(count)}
    for c, words in enumerate(samples.words):
        arrays[f"words_{c}"] = np.array(words)
        for s, stage in enumerate(samples.attention):
            arrays[f"maps_{c}_{s}"] = stage[c * count : (c + 1) * count, : len(words)].float().numpy()
    with file_written_beside(path) as beside:
        np.savez_compressed(beside, allow_pickle=False, **arrays)


def stacked(figures: Sequence[Image.Image]) -> Image.Image:
    """Figures of any heights, one below the other on white."""
    sheet = Image.new("RGB", (max(f.width for f in figures), sum(f.height for f in figures)), "white")
    top = 0
    for figure in figures:
        sheet.paste(figure, (0, top))
        top += figure.height
    return sheet


def overlays(base: Image.Image, maps: NDArray[np.float32]) -> list[Image.Image]:
    """The image [S,S] under each of the maps [K,h,w] as heat.

    All maps share one scale, so that they can be compared: the highest value of any of them is the hottest,
    the lowest leaves the image dark.
    """
    resized = np.stack(
        [np.asarray(Image.fromarray(m).resize(base.size, Image.Resampling.BILINEAR)) for m in maps]
    )  # [K,S,S]
    low, high = resized.min(), resized.max()
    heat = (resized - low) / max(float(high - low), 1e-12)
    colour = np.stack([np.interp(heat, _HEAT[:, 0], _HEAT[:, c]) for c in (1, 2, 3)], axis=-1)  # [K,S,S,3]
    heat = heat[..., None]  # [K,S,S,1]
    lit = np.asarray(base.convert("RGB"), np.float32) * (0.45 + 0.55 * heat)
    mixed = (1 - 0.55 * heat) * lit + 0.55 * heat * colour
    return [Image.fromarray(image) for image in mixed.round().astype(np.uint8)]


class _Sheet:
    """A white sheet that grows downwards by lines of text and rows of cells."""

    def __init__(self, resolution: int, columns: int) -> None:
        self.resolution = resolution
        self.width = columns * (resolution + _SPACE) - _SPACE
        self.text = max(
            13, resolution // 9
        )  # pixels of type: legible when the figure is shown at its own size
        self.blocks: list[Image.Image] = []

    def write(self, text: str, scale: float = 0.9, ink: tuple[int, int, int] = _FAINT) -> None:
        """A paragraph over the whole width, broken at spaces."""
        font = ImageFont.load_default(round(self.text * scale))
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and font.getlength(longer) > self.width:
                lines.append(word)
            else:
                lines[-1] = longer
        leading = round(self.text * scale * 1.35)
        block = Image.new("RGB", (self.width, leading * len(lines) + _SPACE), "white")
        draw = ImageDraw.Draw(block)
        for index, line in enumerate(lines):
            draw.text((0, leading * index), line, ink, font)
        self.blocks.append(block)

    def cells(self, images: Sequence[Image.Image], labels: Sequence[str]) -> None:
        """Images in a row, each with its label centred below."""
        font = ImageFont.load_default(self.text)
        block = Image.new("RGB", (self.width, self.resolution + round(self.text * 2.2)), "white")
        draw = ImageDraw.Draw(block)
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            left = index * (self.resolution + _SPACE)
            block.paste(image, (left, 0))
            place = (left + self.resolution / 2, self.resolution + self.text * 0.3)
            draw.text(place, _fitted(label, font, self.resolution), _INK, font, anchor="ma")
        self.blocks.append(block)

    def image(self) -> Image.Image:
        """The sheet with its margins."""
        body = stacked(self.blocks)
        sheet = Image.new("RGB", (body.width + 2 * _MARGIN, body.height + 2 * _MARGIN), "white")
        sheet.paste(body, (_MARGIN, _MARGIN))
        return sheet


def _fitted(label: str, font: _Font, width: int) -> str:
    """The label, its word cut short where it is too wide."""
    word, gap, share = label.rpartition("  ")
    while font.getlength(label) > width and word:
        word = word[:-1]
        label = f"{word}…{gap}{share}"
    return label
