"""Leaves, and the insects that visit the garden's flowers."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from zoo_plugins.datasets.procedural.canvas import Canvas, Colour, Points, blade, darker, lighter, smooth
from zoo_plugins.datasets.procedural.garden.blooms import Place


class _Layer(NamedTuple):
    """One polygon of a leaf that grows from the origin along x."""

    points: Points
    light: float  # lighter than the leaf's tone where positive, else darker


@cache
def _leaf(kind: str) -> tuple[_Layer, ...]:
    """A broad or a feathery leaf."""
    if kind == "broad":
        upper = [(0.02, -0.012), (0.09, -0.075), (0.18, -0.078), (0.27, -0.0)]
        lower = [(0.18, 0.075), (0.09, 0.07), (0.02, 0.012)]
        return (
            _Layer(smooth([*upper, *lower], 4), -0.12),
            _Layer(smooth([*upper, (0.15, 0.0), (0.03, 0.0)], 4), 0.16),
            _Layer(blade([(0.0, 0.0), (0.25, 0.0)], 0.014, 0.004, 1), 0.4),
        )
    leaflets = [_Layer(blade([(0.0, 0.0), (0.14, -0.01), (0.27, 0.0)], 0.014, 0.005), -0.1)]
    for step in range(5):
        x, length = 0.06 + step * 0.045, 0.085 - 0.011 * step
        for edge in (-1, 1):
            bend = [(x, 0.0), (x + 0.02, edge * length * 0.6), (x + 0.045, edge * length)]
            leaflets.append(_Layer(blade(bend, 0.026, 0.006, 2), -0.07 - 0.07 * edge))
    return tuple(leaflets)


def paint_leaf(
    canvas: Canvas, kind: str, root: Points, side: float, size: float, tone: Colour, rng: np.random.Generator
) -> None:
    """A leaf that grows from `root` to a side: -1 to the left, 1 to the right."""
    rise = rng.uniform(-0.05, 0.05)
    if kind == "narrow":
        line = np.array([(0, 0.03), (0.09, -0.14), (0.15 + rise, -0.3), (0.23 + rise, -0.33)])
        line = line * (side, 1) * size * 0.9 + root
        canvas.fill(blade(line, 0.05 * size, 0.004), darker(tone, 0.12))
        canvas.fill(blade(line - (0.006, 0.002), 0.022 * size, 0.003), lighter(tone, 0.18))
        return
    turn = np.radians(28 + rise * 250)
    c, s = np.cos(turn), np.sin(turn)
    matrix = np.array([[c, -s], [s, c]]) * (side, 1) * size
    for points, light in _leaf(kind):
        canvas.fill(points @ matrix + root, lighter(tone, light) if light > 0 else darker(tone, -light))


def paint_visitor(canvas: Canvas, kind: str, place: Place, rng: np.random.Generator) -> None:
    """A bee or a butterfly at the bloom's upper edge."""
    side = rng.choice((-1.0, 1.0))
    middle = place.centre + np.array([side * 0.72, -0.62]) * min(place.radius, 0.2)
    middle = np.clip(middle, 0.22, 0.78)

    def lay(points: Points, tone: Colour) -> None:
        canvas.fill(points * (side, 1) + middle, tone)

    if kind == "bee":
        for x in (-0.01, 0.03):
            canvas.disc(middle - np.array([side * x, 0.05]), 0.034, (236, 244, 250), 0.8, 1.3)
        canvas.disc(middle, 0.056, (34, 28, 24), 1.0, 0.7)
        for x in (-0.026, 0.01, 0.04):
            lay(blade([(x, -0.033), (x, 0.033)], 0.016, 0.016, 1), (250, 204, 48))
        return
    upper = smooth([(0.0, 0.0), (0.035, -0.085), (0.095, -0.085), (0.075, -0.01)], 4)
    lower = smooth([(0.0, 0.0), (0.07, 0.005), (0.065, 0.065), (0.02, 0.055)], 4)
    for wing in (upper, lower):
        core = wing.mean(0)
        for mirror in (-1, 1):
            lay(wing * (mirror, 1), (156, 84, 22))
            lay(((wing - core) * 0.72 + core) * (mirror, 1), (252, 190, 80))
    lay(blade([(0.0, -0.06), (0.0, 0.06)], 0.016, 0.01, 1), (40, 32, 34))
