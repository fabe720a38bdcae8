"""Where the flowers grow. Muted, so that the flower stands out; open land and bricks are `scenery`."""

from __future__ import annotations

import numpy as np

from zoo_plugins.datasets.procedural import scenery
from zoo_plugins.datasets.procedural.canvas import (
    PALETTE,
    Canvas,
    Colour,
    Shape,
    blade,
    darker,
    lighter,
    mix,
    smooth,
)

TABLE = 0.9  # height of a table's edge
RIM = 0.74  # height of a pot's or a vase's rim

_WALLS: tuple[Colour, ...] = ((206, 200, 188), (186, 196, 200), (196, 184, 176), (184, 194, 178))
_WOOD: Colour = (150, 118, 88)
POTS: dict[str, Colour] = {name: PALETTE[name] for name in ("blue", "white", "yellow")} | {
    "orange": (196, 108, 66)  # fired clay
}


def backdrop(canvas: Canvas, scene: str, rng: np.random.Generator) -> None:
    """All that is behind the flower."""
    if scene == "dark":
        rows, columns = np.mgrid[-1:1:7j, -1:1:7j]
        glow = 34 - 20 * (rows**2 + columns**2)[:, :, None]
        canvas.wash(glow + np.array([6, 6, 12]) + rng.normal(0, 2, (7, 7, 1)))
    elif scene == "wall":
        scenery.bricks(canvas, rng)
    elif scene in ("pot", "vase"):
        wall = np.array(_WALLS[int(rng.integers(len(_WALLS)))]) + rng.normal(0, 5, 3)
        canvas.wash(np.linspace(wall + 8, wall - 18, 5)[:, None] + rng.normal(0, 2.5, (5, 5, 1)))
        wood = mix(_WOOD, (110, 88, 72), rng.uniform(0, 0.8))
        board = np.array([(0, TABLE), (1, TABLE), (1, 1), (0, 1)], dtype=float)
        canvas.fill(board, wood)
        canvas.fill(board * (1, 0) + (0, TABLE) + (board > 0.95) * (0, 0.015), lighter(wood, 0.3))
    else:
        scenery.backdrop(canvas, scene, rng.uniform(0.88, 0.95), rng)


def foreground(canvas: Canvas, scene: str, rng: np.random.Generator) -> None:
    """Grass or snow around the foot of the stem."""
    if scene in ("meadow", "snow"):
        scenery.foreground(canvas, scene, 0.93, rng)


def pot(canvas: Canvas, x: float, colour: Colour) -> None:
    """A pot whose rim hides the foot of the stem."""
    shift = np.array([x, 0.0])
    body = np.array([(-0.15, RIM), (0.15, RIM), (0.105, 0.96), (-0.105, 0.96)]) + shift
    rim = np.array([(-0.175, RIM), (0.175, RIM), (0.165, RIM + 0.06), (-0.165, RIM + 0.06)]) + shift
    canvas.disc(np.array([x, 0.965]), 0.15, (40, 32, 34), 0.35, 0.18)
    canvas.shade(canvas.mask(Shape(body)), darker(colour, 0.12), darker(colour, 0.34))
    canvas.fill((body - shift) * (0.3, 1) + shift - (0.06, 0), lighter(colour, 0.2), 0.35)
    canvas.shade(canvas.mask(Shape(rim)), lighter(colour, 0.14), darker(colour, 0.08))


def vase(canvas: Canvas, x: float) -> None:
    """A vase of glass, half full of water; the stem shows through."""
    half = np.array([(0.07, RIM - 0.03), (0.065, RIM + 0.05), (0.12, RIM + 0.13), (0.1, 0.96)])
    glass = smooth(np.vstack([half, half[::-1] * (-1, 1)]), 4) + np.array([x, 0.0])
    canvas.disc(np.array([x, 0.965]), 0.13, (40, 32, 34), 0.3, 0.18)
    canvas.fill(glass, (214, 230, 240), 0.45)
    water = canvas.mask(Shape(np.array([(0, RIM + 0.08), (1, RIM + 0.08), (1, 1), (0, 1)], dtype=float)))
    canvas.shade(canvas.mask(Shape(glass), within=water, value=120), (150, 190, 214), (96, 146, 180))
    for side in (-1, 1):
        edge = half * (side * 0.94, 1) + (x, 0)
        canvas.fill(blade(edge, 0.012, 0.012), (240, 248, 252) if side < 0 else (120, 146, 160), 0.8)
