"""A supersampled canvas in unit coordinates: what the procedural data sets draw with.

Points are float arrays [n, 2] of (x, y), both 0 at the top left corner and 1 at the bottom right one, so
that an image has the same content at every resolution. Colours are 8-bit RGB triples.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw

Points: TypeAlias = NDArray[np.float64]
Colour: TypeAlias = tuple[int, int, int]

PALETTE: dict[str, Colour] = {
    "red": (206, 36, 38),
    "orange": (243, 134, 28),
    "yellow": (249, 216, 54),
    "green": (62, 160, 64),
    "blue": (44, 104, 210),
    "purple": (128, 58, 172),
    "pink": (246, 146, 184),
    "brown": (126, 80, 44),
    "black": (38, 38, 46),
    "grey": (140, 144, 148),
    "white": (244, 244, 240),
}


class Shape(NamedTuple):
    """A filled polygon, or the union of discs where there are radii."""

    points: Points
    radii: NDArray[np.float64] | None = None


def mix(colour: Colour, other: Colour, share: float) -> Colour:
    """`colour` with a share in [0, 1] of `other`."""
    (r, g, b), (x, y, z) = colour, other
    return (round(r + (x - r) * share), round(g + (y - g) * share), round(b + (z - b) * share))


def lighter(colour: Colour, share: float) -> Colour:
    """A share of white mixed in."""
    return mix(colour, (255, 255, 255), share)


def darker(colour: Colour, share: float) -> Colour:
    """A share of a cool black mixed in."""
    return mix(colour, (16, 14, 28), share)


@cache
def _spline(knots: int, steps: int, closed: bool) -> Points:
    """[samples, knots] weights of a uniform Catmull-Rom spline."""
    basis = 0.5 * np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]], dtype=float)
    t = np.arange(steps)[:, None] / steps
    weights = np.hstack([t**0, t, t**2, t**3]) @ basis  # [steps, 4]
    spans = knots if closed else knots - 1
    matrix = np.zeros((spans * steps, knots))
    for span in range(spans):
        for tap in range(4):
            knot = span + tap - 1
            knot = knot % knots if closed else min(max(knot, 0), knots - 1)
            matrix[span * steps : (span + 1) * steps, knot] += weights[:, tap]
    return matrix if closed else np.vstack([matrix, np.eye(knots)[-1:]])


def smooth(points: Any, steps: int = 6) -> Points:
    """The closed curve through `points` [k, 2] as a polygon of k * steps corners."""
    curve: Points = _spline(len(points), steps, True) @ np.asarray(points, dtype=float)
    return curve


def along(values: Any, steps: int = 6) -> Points:
    """The open curve through `values` [k, d]: [(k - 1) * steps + 1, d]."""
    curve: Points = _spline(len(values), steps, False) @ np.asarray(values, dtype=float)
    return curve


def mirrored(right: Any) -> Points:
    """A closed outline from its half right of x = 0, points on that axis included."""
    half = np.asarray(right, dtype=float)
    return np.vstack([half, half[half[:, 0] != 0][::-1] * (-1, 1)])


def blade(points: Any, width: float, tip: float = 0.0, steps: int = 4) -> Points:
    """A tapered stroke along `points` as a polygon: `width` at the first point, `tip` at the last."""
    line = along(points, steps)
    ahead = np.empty_like(line)
    ahead[1:-1] = line[2:] - line[:-2]
    ahead[0], ahead[-1] = line[1] - line[0], line[-1] - line[-2]
    half = ahead[:, ::-1] * (-0.5, 0.5) / np.sqrt((ahead * ahead).sum(1, keepdims=True))
    half *= width + (tip - width) / (len(line) - 1) * np.arange(len(line))[:, None]
    return np.concatenate([line + half, (line - half)[::-1]])


class Canvas:
    """An RGB image drawn large and averaged down: 4 times up to 80 px, 3 times up to 160, else twice."""

    def __init__(self, resolution: int) -> None:
        self._resolution = resolution
        self._factor = 4 if resolution <= 80 else 3 if resolution <= 160 else 2
        self.size = resolution * self._factor
        self.image = Image.new("RGB", (self.size, self.size))
        self._pen = ImageDraw.Draw(self.image, "RGBA")

    def wash(self, colours: NDArray[np.float64]) -> None:
        """Cover everything with a coarse lattice of colours [h, w, 3], smoothly enlarged."""
        lattice = Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))
        # Smooth at the final resolution: blocks of equal pixels are what averaging down gives back.
        cover = lattice.resize((self._resolution, self._resolution), Image.Resampling.BICUBIC)
        self.image.paste(cover.resize((self.size, self.size), Image.Resampling.NEAREST))

    def fill(self, points: Points, colour: Colour, opacity: float = 1.0) -> None:
        """A polygon of one colour."""
        self._pen.polygon((points * self.size).ravel().tolist(), (*colour, round(255 * opacity)))

    def disc(
        self, centre: Points, radius: float, colour: Colour, opacity: float = 1.0, flat: float = 1.0
    ) -> None:
        """A disc, or an ellipse whose height is `flat` times its width."""
        (x, y), r = centre * self.size, radius * self.size
        self._pen.ellipse((x - r, y - flat * r, x + r, y + flat * r), (*colour, round(255 * opacity)))

    def mask(self, *shapes: Shape, within: Image.Image | None = None, value: int = 255) -> Image.Image:
        """The union of shapes as a mask ("L"), cut by another mask if there is one."""
        mask = Image.new("L", (self.size, self.size))
        pen = ImageDraw.Draw(mask)
        for points, radii in shapes:
            scaled = points * self.size
            if radii is None:
                pen.polygon(scaled.ravel().tolist(), value)
                continue
            corners = np.hstack([scaled - radii[:, None] * self.size, scaled + radii[:, None] * self.size])
            for corner in corners.tolist():
                pen.ellipse(corner, value)
        return mask if within is None else ImageChops.darker(mask, within)

    def shade(self, mask: Image.Image, top: Colour, bottom: Colour) -> None:
        """Fill a mask with a vertical gradient over the mask's height."""
        box = mask.getbbox()
        if box is None:
            return
        width, height = box[2] - box[0], box[3] - box[1]
        share = np.arange(height)[:, None, None] / height  # [h, 1, 1]
        ramp = np.array(top) + share * np.subtract(bottom, top)  # [h, 1, 3]
        strip = Image.fromarray(ramp.astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST)
        self.image.paste(strip, box, mask.crop(box))

    def finish(self) -> Image.Image:
        """The image at the resolution asked for."""
        return self.image.reduce(self._factor)
