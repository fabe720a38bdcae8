"""The branch that a bird sits on."""

from __future__ import annotations

import numpy as np

from zoo_plugins.datasets.procedural.canvas import Canvas, Colour, Points, Shape, blade, darker, lighter, mix

_BARK: Colour = (104, 86, 72)


def paint_branch(canvas: Canvas, scene: str, feet: Points, rng: np.random.Generator) -> None:
    """The branch under the feet, with twigs and leaves; snow lies on it in the snow."""
    centre = feet.mean(0)
    slope, bend, width = rng.uniform(-0.12, 0.12), rng.uniform(-0.03, 0.03), rng.uniform(0.05, 0.065)
    xs = np.array([-0.05, centre[0] - 0.2, centre[0], centre[0] + 0.2, 1.05])
    ys = centre[1] + width / 2 + (xs - centre[0]) * slope + bend * np.abs(xs - centre[0])
    ys[2] = centre[1] + width / 2
    line = np.stack([xs, ys], 1)
    leaf = mix((112, 132, 84), (150, 120, 76), rng.uniform(0, 0.8))
    for side, at in zip((-1, 1), rng.uniform(0.06, 0.2, 2), strict=True):
        root = np.array([at if side < 0 else 1 - at, 0.0])
        root[1] = np.interp(root[0], xs, ys)
        reach = root + np.array(
            [side * rng.uniform(-0.02, 0.07), rng.choice([-1, 1]) * rng.uniform(0.1, 0.16)]
        )
        canvas.fill(blade([root, (root + reach) / 2 + 0.012, reach], 0.022, 0.008), darker(_BARK, 0.1))
        if scene != "snow":
            for share in (0.6, 1.0):
                _leaf(canvas, root + (reach - root) * share, rng.uniform(0, 2 * np.pi), leaf)
    canvas.shade(
        canvas.mask(Shape(blade(line, width, width * 0.8))), lighter(_BARK, 0.22), darker(_BARK, 0.35)
    )
    for _ in range(5):  # grain of the bark
        x = rng.uniform(0, 0.9)
        grain = np.array([x, x + rng.uniform(0.06, 0.14)])
        height = np.interp(grain, xs, ys) + rng.uniform(-0.3, 0.35) * width
        canvas.fill(blade(np.stack([grain, height], 1), 0.006, 0.002), darker(_BARK, 0.5), 0.5)
    if scene == "snow":
        canvas.fill(blade(line - (0, width * 0.42), width * 0.5, width * 0.4), (236, 240, 246))


def _leaf(canvas: Canvas, base: Points, angle: float, colour: Colour) -> None:
    ahead = np.array([np.cos(angle), np.sin(angle)]) * 0.075
    aside = ahead[::-1] * (-0.34, 0.34)
    middle = base + ahead * 0.5
    canvas.fill(np.vstack([base, middle + aside, base + ahead, middle - aside]), colour)
    canvas.fill(np.vstack([base, middle + aside * 0.9, base + ahead]), lighter(colour, 0.16))
