"""Figures of generated images: the words that their stages attended to.

AttnGAN (arXiv:1711.10485), figure 4.

Shape letters: see zoo_registry.contracts; S is the size of a cell of the figure, in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from zoo_registry import ZooError

from ..files import file_written_beside
from ..vary import is_function_word
from .images import Samples, to_pillow
from .text import FAINT, INK, TYPE, broken, fitted

HEIGHT = 1990
"""Pixels that an attention sheet of eight images is no higher than."""

_MARGIN = 16
_SPACE = 6  # between the cells of a figure
_CELL, _LEAST_CELL = (
    192,
    112,
)  # pixels of an attention sheet's cells: at most, and however many images there are
_OUTLIERS = 0.01  # of a map's places: a few at either end do not set the scale
# The share of the scale, RGB, opacity: a veil where little is attended to, clear and warm where much is.
_RAMP = np.array(
    [[0.0, 8, 10, 18, 0.78], [0.5, 20, 20, 26, 0.42], [0.8, 255, 196, 66, 0.12], [1.0, 255, 208, 84, 0.34]]
)


def attention_sheet(
    samples: Samples, captions: Sequence[str], rows: Sequence[int] | None = None, top: int = 5
) -> Image.Image:
    """Generated images under the attention to their captions' words: a row per image, a column per word.

    Maps are a softmax over words at every place, so a map's mean is the share of the image that attends
    to its word, and a caption's shares sum to one: words are ranked by it over the caption's images, those
    without meaning ("a", "with") last. Each word is shown at the stage that attends to it most anywhere,
    on one scale for all images of the caption, which is written over its column.

    rows: which images, by their place among all; None: all. Eight are no higher than `HEIGHT`.
    Raises `ZooError` where the generator attends to no words.
    """
    if not samples.attention:
        raise ZooError("this model's generator attends to no words, so there is no attention to show")
    count = len(samples.images[-1]) // len(captions)
    chosen = range(len(samples.images[-1])) if rows is None else rows
    groups = {c: [row for row in chosen if row // count == c] for c in range(len(captions))}
    groups = {c: own for c, own in groups.items() if own}
    sheet = _Sheet(samples.images[-1].shape[-1], 1 + top, [captions[c] for c in groups], len(chosen))
    for c, own in groups.items():
        maps = [stage[own, : len(samples.words[c])].float().numpy() for stage in samples.attention]
        shown = [_shown(maps, word) for word in _leading(samples.words[c], maps, top)]
        sheet.caption(captions[c])
        sheet.labels(
            [
                (samples.words[c][s.word], f"{100 * s.scale[0]:.0f} to {s.scale[1]:.0%}, {s.resolution} px")
                for s in shown
            ]
        )
        for place, row in enumerate(own):
            image = to_pillow(samples.images[-1][row : row + 1])[0]
            base = image.resize((sheet.cell, sheet.cell), sheet.resampling)
            sheet.cells([base, *(overlay(base, maps[s.stage][place, s.word], s.scale) for s in shown)])
    return sheet.image()


@dataclass(frozen=True)
class _Shown:
    """How a word's column is shown: its place in the caption, the stage, and the scale of its maps."""

    word: int
    stage: int
    scale: tuple[float, float]
    resolution: int


def _leading(words: Sequence[str], maps: Sequence[NDArray[np.float32]], top: int) -> list[int]:
    """The places of the words with the largest shares of maps [I,L,h,w], those with meaning first."""
    shares = np.mean([stage.mean(axis=(0, 2, 3)) for stage in maps], axis=0)  # [L]
    ranked = sorted(range(len(words)), key=lambda word: -shares[word])
    meant = [word for word in ranked if not is_function_word(words[word])]
    return (meant or ranked)[:top]


def _shown(maps: Sequence[NDArray[np.float32]], word: int) -> _Shown:
    scales = [_scale(stage[:, word]) for stage in maps]
    stage = int(np.argmax([most for _, most in scales]))
    return _Shown(word, stage, scales[stage], maps[stage].shape[-1])


def _scale(maps: NDArray[np.float32]) -> tuple[float, float]:
    """The least and the most of maps, without outliers."""
    values = np.sort(maps, axis=None)
    cut = int(_OUTLIERS * len(values))
    return float(values[cut]), float(values[-1 - cut])


def overlay(base: Image.Image, attention: NDArray[np.float32], scale: tuple[float, float]) -> Image.Image:
    """The image [S,S] under a map [h,w]: veiled at the scale's low end, clear and warm at its high end."""
    least, most = scale
    resized = np.asarray(Image.fromarray(attention).resize(base.size, Image.Resampling.BILINEAR))
    return _under_ramp(base, (resized - least) / max(most - least, 1e-12))


def _under_ramp(base: Image.Image, share: NDArray[np.floating[Any]]) -> Image.Image:
    """The image under the ramp's colours of shares of the scale [h,w]."""
    *colour, opacity = (np.interp(share, _RAMP[:, 0], _RAMP[:, c])[..., None] for c in (1, 2, 3, 4))
    mixed = (1 - opacity) * np.asarray(base.convert("RGB"), np.float32) + opacity * np.concatenate(colour, -1)
    return Image.fromarray(mixed.round().astype(np.uint8))


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


class _Sheet:
    """A white sheet that grows downwards by captions, labels and rows of cells; a legend closes it.

    cell: the pixels of a cell's edge, chosen so that `rows` of them are no higher than `HEIGHT`, and a whole
    multiple of the images' resolution where that can be.
    """

    def __init__(self, resolution: int, columns: int, captions: Sequence[str], rows: int) -> None:
        self.columns = columns
        self.font = ImageFont.load_default(TYPE)
        self.title = ImageFont.load_default(TYPE + 3)
        self.leading = round(TYPE * 1.35)
        self.blocks: list[Image.Image] = []
        self.cell = resolution  # a first guess, by which captions are broken into lines
        for _ in range(2):
            text = sum(self._caption_height(caption) + 2 * self.leading + _SPACE for caption in captions)
            room = (HEIGHT - 2 * _MARGIN - 2 * self.leading - text) // rows - _SPACE
            most = min(_CELL, max(_LEAST_CELL, room))
            self.cell = most // resolution * resolution if resolution <= most else most
        self.resampling = Image.Resampling.NEAREST if resolution <= most else Image.Resampling.LANCZOS

    @property
    def width(self) -> int:
        """Without its margins."""
        return self.columns * (self.cell + _SPACE) - _SPACE

    def _caption_height(self, caption: str) -> int:
        return round(self.leading * 1.3) * len(broken(caption, self.title, self.width)) + _SPACE

    def _block(self, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        block = Image.new("RGB", (self.width, height), "white")
        self.blocks.append(block)
        return block, ImageDraw.Draw(block)

    def caption(self, caption: str) -> None:
        """A paragraph over the whole width."""
        _, draw = self._block(self._caption_height(caption))
        for place, line in enumerate(broken(caption, self.title, self.width)):
            draw.text((0, round(self.leading * 1.3) * place), line, INK, self.title)

    def labels(self, labels: Sequence[tuple[str, str]]) -> None:
        """Two lines over each column but the first, which has the images themselves."""
        _, draw = self._block(2 * self.leading + _SPACE)
        for column, label in enumerate(labels, 1):
            middle = column * (self.cell + _SPACE) + self.cell / 2
            for line, (text, ink) in enumerate(zip(label, (INK, FAINT), strict=True)):
                shown = fitted(text, self.font, self.cell)
                draw.text((middle, line * self.leading), shown, ink, self.font, anchor="ma")

    def cells(self, images: Sequence[Image.Image]) -> None:
        """Images in a row."""
        block, _ = self._block(self.cell + _SPACE)
        for column, image in enumerate(images):
            block.paste(image, (column * (self.cell + _SPACE), 0))

    def image(self) -> Image.Image:
        """The sheet with its legend and margins."""
        block, draw = self._block(2 * self.leading)
        grey = Image.new("RGB", (self.cell, self.leading), (150, 150, 150))
        shares = np.linspace(0, 1, self.cell, dtype=np.float32)[None].repeat(self.leading, 0)
        block.paste(_under_ramp(grey, shares), (0, self.leading - _SPACE))
        text = "least to most attention, by each column's scale"
        draw.text((self.cell + _SPACE, self.leading - _SPACE), text, FAINT, self.font)
        sheet = Image.new(
            "RGB",
            (self.width + 2 * _MARGIN, sum(block.height for block in self.blocks) + 2 * _MARGIN),
            "white",
        )
        top = _MARGIN
        for block in self.blocks:
            sheet.paste(block, (_MARGIN, top))
            top += block.height
        return sheet
