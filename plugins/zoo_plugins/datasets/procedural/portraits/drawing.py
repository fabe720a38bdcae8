"""Portraits drawn from attributes: head and shoulders before a background, painted on a `Canvas`.

The face stays in the middle of the image, so that a random crop of 64 out of 76 pixels keeps it whole.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from zoo_plugins.datasets.procedural import scenery
from zoo_plugins.datasets.procedural.canvas import PALETTE, Canvas, darker, mix
from zoo_plugins.datasets.procedural.portraits.clothes import paint_clothes
from zoo_plugins.datasets.procedural.portraits.face import paint_beard, paint_face, paint_features
from zoo_plugins.datasets.procedural.portraits.hair import paint_back, paint_front
from zoo_plugins.datasets.procedural.portraits.head import Head, Portrait
from zoo_plugins.datasets.procedural.portraits.wear import paint_earrings, paint_glasses, paint_hat

DRAWING_VERSION = 3  # raise it whenever an image changes, or what is known to show in it
WALLS = ("blue", "green", "grey", "pink", "yellow", "purple")  # backgrounds of one colour

_BOOKS = ("red", "blue", "green", "brown", "yellow", "purple", "grey")


def draw(portrait: Portrait, resolution: int) -> Image.Image:
    """The image [resolution, resolution], RGB. The same portrait has the same content at every resolution."""
    rng = np.random.default_rng(portrait.key)
    canvas = Canvas(resolution)
    tint = rng.normal(0, 3, 3) + rng.normal(0, 4)
    way = float(rng.choice((-1.0, 1.0)))
    lean = way * rng.uniform(9, 14) if portrait.tilt == "tilted" else rng.uniform(-3, 3)
    turn = float(rng.choice((-1.0, 1.0))) * rng.uniform(0.13, 0.17) if portrait.turn == "side" else 0.0
    scale = 0.262 * rng.uniform(0.95, 1.03)
    centre = np.array([0.5, 0.52]) + rng.uniform(-0.02, 0.02, 2)
    head = Head(portrait, centre, scale, lean, turn, tint)
    _backdrop(canvas, portrait.background, rng)
    paint_back(canvas, head)
    paint_clothes(canvas, head)
    paint_face(canvas, head)
    paint_beard(canvas, head)
    paint_features(canvas, head)
    paint_front(canvas, head)
    paint_earrings(canvas, head)
    paint_glasses(canvas, head)
    paint_hat(canvas, head)
    return canvas.finish()


def _backdrop(canvas: Canvas, background: str, rng: np.random.Generator) -> None:
    """A wall of one colour, or a place."""
    if background in WALLS:
        wall = np.array(mix(PALETTE[background], (190, 190, 190), 0.4), dtype=float) + rng.normal(0, 4, 3)
        columns, rows = np.meshgrid(np.linspace(-1, 1, 6), np.linspace(-1, 1, 6))
        light = 16 - 22 * (0.6 * columns**2 + 0.6 * rows**2) + rng.normal(0, 2, (6, 6))
        canvas.wash(wall + light[:, :, None])
    elif background == "bricks":
        scenery.bricks(canvas, rng)
    elif background == "books":
        canvas.wash(np.broadcast_to(np.array([70.0, 52.0, 40.0]), (2, 2, 3)))
        for shelf in range(4):
            floor, x = 0.24 * (shelf + 1), 0.0
            while x < 1:
                width, height = rng.uniform(0.03, 0.06), rng.uniform(0.15, 0.2)
                spine = mix(
                    darker(PALETTE[_BOOKS[int(rng.integers(len(_BOOKS)))]], 0.3), (120, 110, 100), 0.35
                )
                book = np.array(
                    [(x, floor - height), (x + width, floor - height), (x + width, floor), (x, floor)]
                )
                canvas.fill(book, spine)
                x += width + 0.006
            board = np.array([(0, floor), (1, floor), (1, floor + 0.025), (0, floor + 0.025)])
            canvas.fill(board, (128, 96, 66))
    else:
        scenery.backdrop(canvas, background, 0.9, rng)
