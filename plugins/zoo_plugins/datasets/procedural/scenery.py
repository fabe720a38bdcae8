"""Backgrounds that several sets share: muted, so that what stands before them stands out.

A scene is painted around its subject: `backdrop` behind it, `foreground` over its foot. Coordinates are those
of `canvas`.
"""

from __future__ import annotations

import numpy as np

from zoo_plugins.datasets.procedural.canvas import Canvas, Colour, Shape, blade, darker, lighter, mix

_BEHIND: dict[
    str, tuple[Colour, Colour, float]
] = {  # colours at the top and the bottom, strength of the mottling
    "leaves": ((158, 170, 148), (116, 132, 112), 13.0),
    "sky": ((154, 178, 196), (204, 214, 216), 4.0),
    "evening": ((152, 146, 162), (218, 196, 178), 4.0),
    "meadow": ((178, 194, 202), (206, 210, 196), 3.0),
    "water": ((140, 160, 166), (112, 136, 146), 4.0),
    "snow": ((144, 156, 170), (184, 192, 202), 3.0),
}
_GROUND: dict[str, tuple[Colour, Colour]] = {
    "meadow": ((156, 166, 124), (120, 136, 96)),
    "snow": ((222, 228, 236), (196, 206, 222)),
}


def backdrop(canvas: Canvas, scene: str, ground: float, rng: np.random.Generator) -> None:
    """Sky, leaves, water or open land whose horizon lies above `ground`, the height of the foot."""
    top, bottom, strength = _BEHIND[scene]
    cells = 11 if scene == "leaves" else 6
    wash = np.linspace(top, bottom, cells)[:, None] + rng.normal(0, strength, (cells, cells, 1))  # [h, w, 3]
    canvas.wash(wash + rng.normal(0, 4, 3))
    if scene == "leaves":
        for _ in range(9):  # leaves and gaps of light, out of focus
            light = rng.random() < 0.5
            tone = lighter((160, 178, 140), 0.2) if light else (90, 112, 84)
            canvas.disc(rng.random(2), rng.uniform(0.05, 0.13), tone, 0.3)
    elif scene in ("sky", "evening"):
        for y in rng.uniform(0.08, 0.92, 3):
            _cloud(canvas, rng.uniform(0.0, 1.0), y, rng.uniform(0.1, 0.17), mix(top, bottom, y), rng)
    elif scene == "water":
        for _ in range(16):
            x, y, width = rng.uniform(0, 1), rng.uniform(0.03, 0.97), rng.uniform(0.05, 0.16)
            tone = (188, 206, 210) if rng.random() < 0.6 else (84, 114, 130)
            canvas.disc(np.array([x, y]), width, tone, 0.35, flat=0.06 + 0.05 * y)
    if scene in _GROUND:
        _land(canvas, scene, ground - rng.uniform(0.07, 0.14), rng)
    if scene == "snow":
        for x, y, radius in rng.uniform((0, 0, 0.004), (1, 1, 0.011), (26, 3)):
            canvas.disc(np.array([x, y]), radius, (244, 246, 250), 0.85)


def _cloud(canvas: Canvas, x: float, y: float, width: float, sky: Colour, rng: np.random.Generator) -> None:
    """A heap of discs, light at the top, that melts into the sky at its flat foot."""
    offsets = np.linspace(-1, 1, 6)
    radii = width * (0.18 + 0.34 * (1 - offsets**2) * rng.uniform(0.6, 1.0, 6))
    heap = Shape(np.stack([x + offsets * width, y - radii], 1), radii)
    canvas.shade(canvas.mask(heap, value=170), lighter(sky, 0.5), lighter(sky, 0.08))


def _land(canvas: Canvas, scene: str, horizon: float, rng: np.random.Generator) -> None:
    """Rolling ground from the horizon to the bottom."""
    near, far = _GROUND[scene]
    for depth in (0.0, 0.5, 1.0):
        edge = horizon + depth * (1 - horizon) * 0.55
        x = np.linspace(0, 1, 9)
        y = edge + 0.018 * np.sin(x * rng.uniform(4, 8) + rng.uniform(0, 6))
        hill = np.vstack([np.stack([x, y], 1), [(1, 1), (0, 1)]])
        canvas.fill(hill, mix(near, far, depth))


def foreground(canvas: Canvas, scene: str, ground: float, rng: np.random.Generator) -> None:
    """Blades of grass or small drifts of snow over the foot."""
    near, far = _GROUND[scene]
    if scene == "snow":
        for x in rng.uniform(0, 1, 7):
            canvas.disc(
                np.array([x, ground + rng.uniform(0.02, 0.05)]),
                rng.uniform(0.05, 0.1),
                lighter(near, 0.5),
                0.9,
                0.2,
            )
        return
    for x in rng.uniform(0, 1, 34):
        root = np.array([x, ground + rng.uniform(0.01, 0.12)])
        tip = root + np.array([rng.uniform(-0.03, 0.03), -rng.uniform(0.05, 0.11)])
        tone = mix(lighter(near, 0.12), darker(far, 0.2), rng.random())
        canvas.fill(blade([root, (root + tip) / 2 + (0.004, 0), tip], 0.014, 0.0), tone)


def bricks(canvas: Canvas, rng: np.random.Generator) -> None:
    """Courses of stones, every other one shifted by half a stone."""
    stone = np.array((170, 152, 138)) + rng.normal(0, 8, 3)
    canvas.wash(np.broadcast_to(stone * 0.78 + 8, (2, 2, 3)))
    height, width, gap = 0.125, 0.25, 0.016
    for row in range(8):
        for column in range(5):
            left = (column - 0.5 * (row % 2)) * width
            tone = np.clip(stone + rng.normal(0, 7), 0, 255).round().astype(int).tolist()
            low, high = (
                np.array([left, row * height]),
                np.array([left + width - gap, (row + 1) * height - gap]),
            )
            canvas.fill(
                np.array([low, (high[0], low[1]), high, (low[0], high[1])]), (tone[0], tone[1], tone[2])
            )
