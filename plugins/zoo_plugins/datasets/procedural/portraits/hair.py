"""The hair of a portrait: what lies behind the head, what lies on it, and locks before the shoulders."""

from __future__ import annotations

import numpy as np

from zoo_plugins.datasets.procedural.canvas import (
    Canvas,
    Points,
    Shape,
    blade,
    darker,
    lighter,
    mirrored,
    smooth,
)
from zoo_plugins.datasets.procedural.portraits.head import Head

# Outlines right of the middle. Where a table says so, x counts from the side of the face.
_CROWN = [(0.0, -1.26), (0.6, -1.14)]
_BACKS = {  # what hangs behind, below the crown; x from the side of the face
    "long": [(0.2, -0.55), (0.28, 0.2), (0.36, 0.9), (0.34, 1.6), (0.2, 2.0)],
    "wavy": [(0.22, -0.6), (0.18, -0.1), (0.42, 0.25), (0.26, 0.62), (0.52, 1.0), (0.34, 1.4), (0.5, 1.75)],
    "bob": [(0.2, -0.55), (0.3, 0.2), (0.3, 0.75), (0.02, 0.98)],
}
_LOCKS = {  # what falls before the shoulders; x from the side of the face
    "long": [(-0.02, -0.5), (0.08, 0.2), (0.1, 0.9), (-0.02, 1.75)],
    "wavy": [(-0.02, -0.5), (0.02, 0.0), (0.16, 0.45), (0.02, 0.95), (0.16, 1.4), (0.0, 1.85)],
    "bob": [(-0.02, -0.5), (0.1, 0.1), (0.1, 0.5), (-0.06, 0.92)],
}
_HAIRLINES = {  # temples with x from the side of the face; the forehead, which turns with the face
    "plain": ([(-0.07, -0.12), (-0.15, -0.54)], [(0.42, -0.72), (0.0, -0.76), (-0.42, -0.72)]),
    "fringe": (
        [(-0.07, -0.2), (-0.16, -0.38)],
        [(0.4, -0.42), (0.2, -0.36), (0.0, -0.42), (-0.2, -0.36), (-0.4, -0.42)],
    ),
    "parted": ([(-0.06, -0.2), (-0.14, -0.56)], [(0.34, -0.6), (-0.06, -0.68), (-0.36, -0.94)]),
    "middle": ([(-0.06, -0.1), (-0.14, -0.45)], [(0.34, -0.76), (0.06, -0.98), (-0.24, -0.76)]),
    "spiky": ([(-0.06, -0.2), (-0.16, -0.6)], [(0.3, -0.72), (0.0, -0.66), (-0.3, -0.72)]),
}


def _mass(canvas: Canvas, head: Head, points: Points, light: float = 0.16, dark: float = 0.2) -> None:
    """A body of hair with a darker edge."""
    middle = points.mean(0)
    canvas.fill(head.put(points), darker(head.hair, 0.34))
    inner = canvas.mask(Shape(head.put((points - middle) * 0.955 + middle)))
    canvas.shade(inner, lighter(head.hair, light), darker(head.hair, dark))


def _curls(canvas: Canvas, head: Head, centres: Points, radius: float) -> None:
    """Overlapping discs with a light on each."""
    places = head.put(centres)
    r = np.full(len(centres), radius * head.scale)
    canvas.shade(canvas.mask(Shape(places, r * 1.12)), darker(head.hair, 0.3), darker(head.hair, 0.36))
    canvas.shade(canvas.mask(Shape(places, r)), lighter(head.hair, 0.08), darker(head.hair, 0.12))
    for place in places:
        light = place - np.array([0.2, 0.3]) * radius * head.scale
        canvas.disc(light, 0.5 * radius * head.scale, lighter(head.hair, 0.22), 0.5)


def paint_back(canvas: Canvas, head: Head) -> None:
    """What hangs or stands behind the head and the shoulders."""
    style, w, hair = head.person.style, head.width, head.hair
    tones = (darker(hair, 0.34), hair, lighter(hair, 0.16))
    if style in _BACKS:
        sides = [(w + x, y) for x, y in _BACKS[style]]
        _mass(canvas, head, smooth(mirrored([*_CROWN, *sides]), 4), 0.1, 0.22)
    elif style == "afro":
        angles = np.radians(np.linspace(150, 390, 13))
        ring = np.stack([np.cos(angles) * (w + 0.28), np.sin(angles) * 1.12 - 0.42], 1)
        inner = np.stack([np.cos(angles) * (w - 0.1), np.sin(angles) * 0.75 - 0.45], 1)
        _curls(canvas, head, np.vstack([ring, inner]), 0.34)
    elif style == "ponytail":
        tail = [(0.3, -0.7), (w + 0.45, -0.5), (w + 0.62, 0.3), (w + 0.42, 1.2)]
        for grow, tone in zip((1.0, 0.84, 0.3), tones, strict=True):
            canvas.fill(head.put(blade(tail, 0.5 * grow, 0.16 * grow)), tone)
    elif style == "bun":
        for radius, tone in zip((0.44, 0.4, 0.24), tones, strict=True):
            canvas.disc(head.put([(0.0, -1.42)])[0], radius * head.scale, tone)


def paint_front(canvas: Canvas, head: Head) -> None:
    """Hair on the skull; locks, braids and fringe."""
    style, w = head.person.style, head.width
    if style == "bald":
        shine = head.face([(-0.22, -0.78)])[0]
        canvas.disc(shine, 0.2 * head.scale, lighter(head.skin, 0.45), 0.55, 0.5)
        return
    if style in ("curly", "afro"):
        angles = np.radians(np.linspace(188, 352, 9))
        ring = np.stack([np.cos(angles) * w * 0.98, np.sin(angles) * 0.72 - 0.42], 1)
        inner = np.stack([np.linspace(-0.5, 0.5, 5) * w * 1.15 + head.turn * 0.24, np.full(5, -0.92)], 1)
        _curls(canvas, head, np.vstack([inner, ring]), 0.25 if style == "curly" else 0.27)
        return
    _mass(canvas, head, _on_skull(head))
    _strands(canvas, head)
    for side in (-1, 1):
        if style in _LOCKS:
            _lock(canvas, head, np.array([(w + x, y) for x, y in _LOCKS[style]]) * (side, 1))
        elif style == "braids":
            _braid(canvas, head, side)


def _on_skull(head: Head) -> Points:
    """The hair on the skull down to the hairline, in the head's frame."""
    person, w, shift = head.person, head.width, head.turn * 0.6
    line = person.style if person.style in ("parted", "spiky") else "plain"
    if person.style in _LOCKS and person.gender == "woman":
        line = "middle"
    if person.fringe == "yes":
        line = "fringe"
    outer, inner = _HAIRLINES[line]
    temple = np.array([(w + x, y) for x, y in outer])
    middle = np.array(inner) + np.array([shift, 0.0])
    forehead = np.vstack([temple, middle, temple[::-1] * (-1, 1)])  # from right to left
    if line == "spiky":
        tips = [(0.02, -1.6), (0.2, -1.2), (0.44, -1.5), (0.48, -1.1)]
        tips += [(w + x, y) for x, y in ((0.02, -1.2), (-0.02, -0.8), (0.2, -0.72), (0.04, -0.2))]
        over = np.array(tips)
        return np.vstack([over[::-1] * (-1, 1), over, forehead])
    rise = 0.1 if line == "parted" else 0.02
    over = np.array([(0.62, -1.1 - rise * 0.6), (w + 0.06, -0.55), (w + 0.05, -0.05)])
    return smooth(np.vstack([over[::-1] * (-1, 1), [(0.0, -1.28 - rise)], over, forehead]), 4)


def _strands(canvas: Canvas, head: Head) -> None:
    """A band of light over the skull and a few hairs."""
    style = head.person.style
    if style == "spiky":
        return
    shine = [(-0.52, -0.82), (-0.3, -1.0), (0.0, -1.07), (0.26, -1.04)]
    canvas.fill(head.put(blade(shine, 0.05, 0.1)), lighter(head.hair, 0.34), 0.55)
    tone = darker(head.hair, 0.36)
    for x in (-0.42, -0.16, 0.16, 0.42):
        if head.person.fringe == "yes":
            hairs = [(x * 0.8, -0.98), (x * 1.05 + head.turn * 0.4, -0.46)]
        elif style in ("bun", "ponytail", "braids"):
            hairs = [(x * 0.5, -1.2), (x * 1.2 + head.turn * 0.4, -0.8)]
        else:
            continue
        canvas.fill(head.put(blade(hairs, 0.03, 0.02, 1)), tone, 0.7)


def _lock(canvas: Canvas, head: Head, line: Points) -> None:
    """Hair that falls beside the face, before the shoulder."""
    for grow, tone in ((1.0, darker(head.hair, 0.32)), (0.78, head.hair), (0.22, lighter(head.hair, 0.26))):
        canvas.fill(head.put(blade(line, 0.28 * grow, 0.05 * grow, 6)), tone)


def _braid(canvas: Canvas, head: Head, side: int) -> None:
    """Hair pulled behind the ear, and the strands of a braid that falls on the chest."""
    w = head.width
    for step in range(7):
        middle = head.put([(side * (w + 0.16 - 0.012 * step), 0.42 + 0.22 * step)])[0]
        radius = (0.2 - 0.012 * step) * head.scale
        canvas.disc(middle, radius, darker(head.hair, 0.36))
        canvas.disc(middle - np.array([0.0, 0.12 * radius]), radius * 0.82, head.hair)
        canvas.disc(middle - np.array([0.25, 0.35]) * radius, radius * 0.35, lighter(head.hair, 0.25), 0.7)
    canvas.disc(head.put([(side * (w + 0.08), 1.82)])[0], 0.1 * head.scale, (206, 60, 70))
