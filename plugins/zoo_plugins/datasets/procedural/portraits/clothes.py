"""The clothes of a portrait, from the neck to the lower edge of the image."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo_plugins.datasets.procedural.canvas import (
    PALETTE,
    Canvas,
    Colour,
    Points,
    Shape,
    along,
    blade,
    darker,
    lighter,
    mirrored,
    smooth,
)
from zoo_plugins.datasets.procedural.portraits.head import Head, shadow

_LINEN: Colour = (244, 245, 248)
_INK: Colour = (70, 72, 80)  # stripes on white


def paint_clothes(canvas: Canvas, head: Head) -> None:
    """Shoulders and neck in the portrait's clothes."""
    kind, man = head.portrait.clothes, head.person.gender == "man"
    colour = head.tone(PALETTE[head.portrait.clothes_colour])
    wide, thick = (1.5, 0.4) if man else (1.28, 0.32)  # half widths of the shoulders and of the neck
    if kind == "hoodie":
        hood = smooth([(-0.9, 1.5), (-0.8, 1.0), (0.0, 0.75), (0.8, 1.0), (0.9, 1.5), (0.0, 1.7)], 4)
        canvas.fill(_body(head, hood), darker(colour, 0.35))
    right = [(0.3, 1.2), (0.72, 1.34), (wide * 0.9, 1.52), (wide, 1.95), (wide + 0.04, 2.6)]
    shoulders = smooth(mirrored(right), 4)
    torso = canvas.mask(Shape(_body(head, shoulders)))
    canvas.shade(torso, lighter(colour, 0.1), darker(colour, 0.2))
    if kind == "striped shirt":
        stripe = _INK if head.portrait.clothes_colour == "white" else _LINEN
        for y in (1.5, 1.82, 2.14):
            band = Shape(_body(head, [(-2, y), (2, y), (2, y + 0.14), (-2, y + 0.14)]))
            canvas.shade(canvas.mask(band, within=torso), stripe, stripe)
    if kind == "turtleneck":
        roll = np.array([(-thick - 0.1, 1.0), (thick + 0.1, 1.0), (thick + 0.16, 1.4), (-thick - 0.16, 1.4)])
        canvas.fill(_body(head, roll), darker(colour, 0.25))
        front = canvas.mask(Shape(_body(head, roll * (0.95, 1.0))))
        canvas.shade(front, lighter(colour, 0.16), darker(colour, 0.06))
        return
    if kind == "suit":
        canvas.fill(_body(head, [(-0.5, 1.24), (0.5, 1.24), (0.16, 2.6), (-0.16, 2.6)]), _LINEN)
    low = np.array([(thick + 0.12, 1.2), (thick * 0.62, 1.54), (0.0, 1.66)])
    rim = np.vstack([low, low[1::-1] * (-1, 1)])  # of the neckline
    canvas.fill(_body(head, np.vstack([along(rim, 4), [(-thick, 0.5), (thick, 0.5)]])), head.skin)
    chin = smooth([(-thick, 0.7), (thick, 0.7), (thick, 1.1), (0.0, 1.32), (-thick, 1.1)], 4)
    canvas.fill(_body(head, chin), shadow(head.skin), 0.75)
    if kind == "shirt":
        _collar(canvas, head, colour, thick)
        canvas.fill(_body(head, blade([(0, 1.7), (0, 2.6)], 0.04, 0.04, 1)), darker(colour, 0.4))
        for y in (1.85, 2.12):
            canvas.disc(_body(head, [(0.1, y)])[0], 0.05 * head.scale, lighter(colour, 0.6))
    elif kind == "suit":
        _collar(canvas, head, _LINEN, thick)
        _jacket(canvas, head, colour)
    else:
        canvas.fill(_body(head, blade(rim, 0.09, 0.09)), darker(colour, 0.28))
        for x in (-0.22, 0.22) if kind == "hoodie" else ():
            canvas.fill(_body(head, blade([(x, 1.6), (x * 1.1, 2.3)], 0.07, 0.07, 1)), lighter(colour, 0.7))


def _body(head: Head, points: Any) -> Points:
    """From the head's frame into the image, for what does not lean with the head."""
    return np.asarray(points, dtype=float) * head.scale + head.centre


def _collar(canvas: Canvas, head: Head, colour: Colour, thick: float) -> None:
    """The two points of a shirt's collar."""
    for side in (-1, 1):
        flap = np.array([(thick + 0.12, 1.12), (0.02, 1.66), (0.36, 1.86), (thick + 0.3, 1.36)]) * (side, 1)
        middle = flap.mean(0)
        canvas.fill(_body(head, flap), darker(colour, 0.36))
        canvas.fill(_body(head, (flap - middle) * 0.84 + middle), lighter(colour, 0.22))


def _jacket(canvas: Canvas, head: Head, colour: Colour) -> None:
    """Lapels, and the tie between them."""
    if head.portrait.tie != "none":
        tie = head.tone(PALETTE[head.portrait.tie])
        knot = np.array([(-0.12, 1.56), (0.12, 1.56), (0.07, 1.74), (-0.07, 1.74)])
        canvas.fill(_body(head, [(0.07, 1.74), (0.18, 2.6), (-0.18, 2.6), (-0.07, 1.74)]), tie)
        canvas.fill(_body(head, knot), darker(tie, 0.2))
    lapel = np.array([(0.46, 1.24), (0.16, 2.5), (0.62, 2.0), (0.52, 1.84), (0.72, 1.72)])
    for side in (-1, 1):
        canvas.fill(_body(head, lapel * (side, 1)), darker(colour, 0.4))
        inner = (lapel - (0.5, 1.8)) * 0.86 + (0.52, 1.8)
        canvas.fill(_body(head, inner * (side, 1)), lighter(colour, 0.06))
