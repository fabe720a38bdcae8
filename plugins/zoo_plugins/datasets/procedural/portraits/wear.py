"""What the people of the portraits wear on their heads: hats, glasses and earrings."""

from __future__ import annotations

import numpy as np

from zoo_plugins.datasets.procedural.canvas import (
    PALETTE,
    Canvas,
    Colour,
    Points,
    Shape,
    blade,
    darker,
    lighter,
    mirrored,
    smooth,
)
from zoo_plugins.datasets.procedural.portraits.head import Head

METALS: dict[str, Colour] = {"gold": (240, 190, 48), "silver": (212, 220, 228)}


def paint_earrings(canvas: Canvas, head: Head) -> None:
    """A hoop below each ear."""
    if head.person.earrings == "none":
        return
    metal = METALS[head.person.earrings]
    circle = np.radians(np.linspace(0, 360, 17))
    ring = np.stack([np.cos(circle), np.sin(circle)], 1)
    for side in (-1, 1):
        middle = np.array([side * (head.width + 0.1) - head.turn * 0.35, 0.54])
        for outer, inner, tone in ((0.185, 0.075, darker(metal, 0.5)), (0.165, 0.095, metal)):
            hoop = np.vstack([ring * (outer * 0.85, outer), ring[::-1] * (inner * 0.85, inner)])
            canvas.fill(head.put(hoop + middle), tone)


def paint_glasses(canvas: Canvas, head: Head) -> None:
    """Frames with clear lenses, or dark ones."""
    kind = head.portrait.glasses
    if kind == "none":
        return
    dark = kind == "sunglasses"
    frame = (24, 22, 28) if dark else head.tone(PALETTE[head.person.frame])
    angles = np.linspace(0, 2 * np.pi, 25)[:-1]
    power = 1.0 if kind == "round" else 0.5
    c, s = np.cos(angles), np.sin(angles)
    lens = np.stack([np.sign(c) * np.abs(c) ** power, np.sign(s) * np.abs(s) ** power], 1)
    lens = lens * (0.285, 0.27) if kind == "round" else lens * (0.3, 0.21 if not dark else 0.24)
    ends = np.vstack([lens, lens[:1]])
    for side in (-1, 1):
        middle = np.array([side * 0.36, -0.03])
        if dark:
            canvas.fill(head.face(lens + middle), frame)
            glare = blade([(-0.14, 0.09), (0.02, -0.13)], 0.09, 0.06, 1)
            canvas.fill(head.face(glare + middle), (120, 130, 150), 0.6)
        else:
            canvas.fill(head.face(lens + middle), (226, 240, 252), 0.2)
            ring = np.vstack([ends * 1.13, ends[::-1] * (0.84, 0.82)])
            canvas.fill(head.face(ring + middle), frame)
        arm = np.array([(side * 0.64 + head.turn, -0.08), (side * (head.width + 0.02), -0.12)])
        canvas.fill(head.put(blade(arm, 0.07, 0.06, 1)), frame)
    canvas.fill(head.face(blade([(-0.1, -0.06), (0.0, -0.1), (0.1, -0.06)], 0.07, 0.07)), frame)


def paint_hat(canvas: Canvas, head: Head) -> None:
    """A cap with a brim, a knitted beanie, or a sun hat with a wide brim and a ribbon."""
    kind = head.portrait.hat
    if kind == "none":
        return
    colour, w, t = head.tone(PALETTE[head.portrait.hat_colour]), head.width, head.turn
    dark, light = darker(colour, 0.36), lighter(colour, 0.14)

    def lay(points: Points, top: Colour, bottom: Colour) -> None:
        middle = points.mean(0)
        canvas.fill(head.put(points), dark)
        canvas.shade(canvas.mask(Shape(head.put((points - middle) * 0.95 + middle))), top, bottom)

    if kind == "sun hat":
        crown = [(0.42, -1.42), (0.68, -1.1), (0.72, -0.66)]
        lay(smooth(mirrored(crown), 4), light, colour)
        canvas.fill(head.put(mirrored([(0.73, -0.92), (0.74, -0.72)])), dark)  # ribbon
        brim = [(0.8, -0.82), (1.42, -0.52), (0.8, -0.46), (0.0, -0.42)]
        lay(smooth(mirrored(brim), 4), light, darker(colour, 0.14))
        return
    dome = [(0.0, -1.42), (0.5, -1.32), (w + 0.08, -0.9), (w + 0.08, -0.5), (0.4, -0.52)]
    lay(smooth(mirrored(dome), 4), light, darker(colour, 0.1))
    if kind == "beanie":
        band = smooth(mirrored([(0.0, -0.8), (w + 0.12, -0.72), (w + 0.12, -0.34), (0.0, -0.46)]), 4)
        lay(band, colour, darker(colour, 0.22))
        for x in (-0.6, -0.36, -0.12, 0.12, 0.36, 0.6):
            canvas.fill(head.put(blade([(x, -0.74), (x, -0.46)], 0.03, 0.03, 1)), dark, 0.8)
        pompom = head.put([(0.0, -1.5)])[0]
        canvas.disc(pompom, 0.22 * head.scale, dark)
        canvas.disc(pompom, 0.19 * head.scale, lighter(colour, 0.35))
        return
    for x in (-0.4, 0.4):
        seam = [(x * 0.2, -1.4), (x + t * 0.3, -1.0), (x + t * 0.4, -0.6)]
        canvas.fill(head.put(blade(seam, 0.03, 0.03)), dark, 0.7)
    peak = mirrored([(0.5, -0.72), (0.84, -0.5), (0.56, -0.24)]) + np.array([t, 0.0])
    lay(smooth(peak, 4), darker(colour, 0.2), darker(colour, 0.45))
