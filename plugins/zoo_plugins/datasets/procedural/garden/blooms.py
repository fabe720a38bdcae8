"""The blooms of the garden: petals around a centre, cups seen from the side, hanging bells.

A bloom's own frame: its middle is the origin, its petals reach to 1, y grows downwards. A petal's own frame:
its root is the origin and it points along x to 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from zoo_plugins.datasets.procedural.canvas import (
    Canvas,
    Colour,
    Points,
    Shape,
    blade,
    darker,
    lighter,
    mix,
    smooth,
)
from zoo_plugins.datasets.procedural.garden.species import Species

Paint: TypeAlias = Callable[[str], Colour]  # the colour of a name in this image

_LIGHT = np.radians(-120)  # where the light comes from: above, a little from the left
_HALVES = {  # one edge of a petal from its root to its tip: x, and y as a share of its half width
    "round": [(0.05, 0.25), (0.3, 0.68), (0.62, 1.0), (0.88, 0.8), (1.0, 0.28)],
    "pointed": [(0.05, 0.3), (0.3, 0.85), (0.52, 0.98), (0.76, 0.6), (0.97, 0.06)],
    "narrow": [(0.05, 0.3), (0.35, 0.5), (0.7, 0.56), (0.93, 0.4), (1.0, 0.12)],
    "heart": [(0.05, 0.22), (0.3, 0.62), (0.62, 1.0), (0.9, 0.92), (1.02, 0.48), (0.97, 0.14)],
    "ruffled": [(0.05, 0.3), (0.3, 0.7), (0.55, 1.08), (0.66, 0.92), (0.8, 1.08), (0.88, 0.72), (1.02, 0.62)],
}
_TIPS = {"heart": (0.8, 0.0), "ruffled": (0.9, 0.0), "pointed": (1.06, 0.0)}
_HALF_WIDTHS = {"4": 0.6, "5": 0.56, "6": 0.47, "8": 0.36}
_MANY = 15


@dataclass(frozen=True)
class Place:
    """Where a bloom is, in the image's coordinates. Angles in degrees, anticlockwise to the eye."""

    centre: Points  # [2]
    radius: float
    spin: float = 0.0  # about its own middle
    squash: float = 1.0  # its height as a share of its width, seen at an angle
    lean: float = 0.0  # of the whole bloom in the image

    @cached_property
    def matrix(self) -> Points:
        """[2, 2], from the bloom's frame into the image, but for `centre`."""
        return _turn(_turn(np.eye(2), self.spin) * (1.0, self.squash), self.lean) * self.radius


def _turn(points: Points, degrees: float) -> Points:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return points @ np.array([[c, -s], [s, c]])


def _put(points: Any, place: Place) -> Points:
    """From the bloom's frame into the image."""
    placed: Points = np.asarray(points, dtype=float) @ place.matrix + place.centre
    return placed


def paint_bloom(
    canvas: Canvas, species: Species, place: Place, colour: Paint, rng: np.random.Generator
) -> None:
    """A bloom of the species' form."""
    {"open": _open, "cup": _cup, "bell": _bell}[species.form](canvas, species, place, colour, rng)


# ---- open blooms


class _Layer(NamedTuple):
    """One polygon of a petal, in the petal's own frame."""

    points: Points
    tone: str  # of `_petal_tones`
    opacity: float = 1.0


@cache
def _petal(shape: str, half_width: float, pattern: str) -> tuple[_Layer, ...]:
    """A petal from its edge upwards, with what its pattern adds."""
    upper = np.array(_HALVES[shape]) * (1.0, half_width)
    tip = [_TIPS[shape]] if shape in _TIPS else []
    outline = smooth(np.vstack([upper, *np.reshape(tip, (-1, 1, 2)), upper[::-1] * (1, -1)]), 3)
    layers = [_Layer(outline, "shadow")]
    if pattern == "edged":
        layers += [_Layer(outline * (0.985, 0.9), "accent"), _Layer(outline * (0.84, 0.73), "petal")]
    else:
        layers += [_Layer(outline * (0.985, 0.88), "petal")]
    if pattern == "throat":
        return (*layers, _Layer(outline * (0.68, 0.74), "blend"), _Layer(outline * (0.6, 0.68), "accent"))
    layers += [_Layer(outline * (0.62, 0.55), "shadow", 0.22)]
    if pattern == "striped":
        width = 0.3 * float(np.abs(outline[:, 1]).max())
        for side in (-1.1, 0.0, 1.1) if half_width > 0.3 else (0.0,):
            ends = np.array([(0.2, 0.05 * side), (0.55, width * side), (0.86, width * side * 1.05)])
            layers += [_Layer(blade(ends, width * 0.55, width * 0.35), "accent")]
    return tuple(layers)


def _lit(petal: Colour, angle: float) -> Colour:
    """A petal's tone by the direction that it points to."""
    light = float(np.cos(angle - _LIGHT))
    return lighter(petal, 0.16 * light) if light > 0 else darker(petal, -0.11 * light)


def _shadow(petal: Colour) -> Colour:
    """The tone of a petal's edge and folds: deeper, never dirty."""
    return darker(petal, 0.24)


def _petal_tones(species: Species, angle: float, depth: int, colour: Paint) -> dict[str, Colour]:
    """The tones of a petal that points to `angle` in the image, in ring `depth`."""
    petal = lighter(_lit(colour(species.petal), angle), 0.05 * depth)
    tones = {"petal": petal, "shadow": _shadow(petal)}
    if species.accent != "none":
        tones["accent"] = _lit(colour(species.accent), angle)
        tones["blend"] = mix(petal, tones["accent"], 0.55)
    return tones


def _open(canvas: Canvas, species: Species, place: Place, colour: Paint, rng: np.random.Generator) -> None:
    """Rings of petals, the outer ones first, and the centre on top."""
    many = species.petals == "many"
    count = _MANY if many else int(species.petals)
    width = 0.2 if many else _HALF_WIDTHS[species.petals]
    rings = (1.0, 0.74, 0.5) if species.layers == "several" else (1.0,)
    for depth, length in enumerate(rings):
        # Edges on every ring would leave little of the petals' own colour.
        inner = depth > 0 and species.pattern == "edged"
        layers = _petal(species.petal_shape, width, "plain" if inner else species.pattern)
        angles = (np.arange(count) + depth * 0.5) * 2 * np.pi / count + rng.normal(0, 0.035, count)
        c, s = np.cos(angles), np.sin(angles)
        reach = length * rng.uniform(0.94, 1.0, count)[:, None, None]
        matrices = np.stack([c, s, -s, c], 1).reshape(-1, 2, 2) * reach @ place.matrix
        seen = angles - np.radians(place.spin + place.lean)
        for matrix, angle in zip(matrices, seen.tolist(), strict=True):
            tones = _petal_tones(species, angle, depth, colour)
            for points, tone, opacity in layers:
                canvas.fill(points @ matrix + place.centre, tones[tone], opacity)
    _paint_centre(canvas, species, place, colour, rng)


def _paint_centre(
    canvas: Canvas, species: Species, place: Place, colour: Paint, rng: np.random.Generator
) -> None:
    centre, large = colour(species.centre), species.centre_size == "large"
    ring = np.linspace(0, 2 * np.pi, 25)[:-1]
    circle = np.stack([np.cos(ring), np.sin(ring)], 1)

    def disc(radius: float, tone: Colour, shift: float = 0.0, opacity: float = 1.0) -> None:
        lift = np.array([np.cos(_LIGHT), np.sin(_LIGHT)]) * shift * place.radius
        canvas.fill(_put(circle * radius, place) + lift, tone, opacity)

    if species.centre_kind == "stamens":
        reach = 0.5 if large else 0.38
        disc(0.15, mix(centre, (120, 150, 70), 0.5))
        count = 11 if large else 8
        angles = np.arange(count) * 2 * np.pi / count + rng.normal(0, 0.12, count)
        for angle, length in zip(angles.tolist(), rng.uniform(0.75, 1.0, count).tolist(), strict=True):
            tip = np.array([np.cos(angle), np.sin(angle)]) * reach * length
            canvas.fill(
                _put(blade(np.vstack([tip * 0.1, tip]), 0.045, 0.045, 1), place), lighter(centre, 0.25)
            )
            canvas.disc(_put(tip, place), 0.085 * place.radius, darker(centre, 0.3))
            canvas.disc(_put(tip, place), 0.068 * place.radius, centre)
        return
    if species.centre_kind == "trumpet":
        radius = 0.43 if large else 0.35
        frill = circle * (1 + 0.09 * np.cos(ring * 8))[:, None]
        for scale, tone in ((1.08, darker(centre, 0.35)), (1.0, lighter(centre, 0.12))):
            canvas.fill(_put(frill * radius * scale, place), tone)
        disc(radius * 0.72, darker(centre, 0.2))
        disc(radius * 0.5, darker(centre, 0.42), -0.04)
        return
    radius = 0.4 if large else 0.24
    disc(radius * 1.12, darker(centre, 0.45), opacity=0.75)
    disc(radius, darker(centre, 0.16))
    disc(radius * 0.82, centre, 0.02)
    disc(radius * 0.42, lighter(centre, 0.28), 0.09, 0.6)
    for step in range(12 if large else 7):  # seeds along a spiral
        spot = np.array([np.cos(step * 2.4), np.sin(step * 2.4)]) * radius * 0.8 * np.sqrt((step + 0.5) / 12)
        canvas.disc(_put(spot, place), 0.035 * place.radius, darker(centre, 0.4), 0.55)


# ---- blooms seen from the side


def _cup_petal(shape: str, lean: float, wide: float, height: float) -> Points:
    """A petal of a cup: its foot at (0, 0.8), its tip leaning to a side."""
    top = -height
    if shape == "pointed":
        tip = np.array([(0.5, top * 0.55), (0.0, top - 0.12), (-0.5, top * 0.55)])
    elif shape == "ruffled":
        edge = [(0.62, 0.04), (0.3, 0.16), (0.0, -0.04), (-0.3, 0.16), (-0.62, 0.04)]
        tip = np.array(edge) + np.array([0.0, top])
    else:
        tip = np.array([(0.55, top + 0.24), (0.0, top), (-0.55, top + 0.24)])
    tips = tip * (wide, 1) + (lean, 0)
    right = [(0.12, 0.8), (0.62 * wide + lean * 0.3, 0.55), (0.78 * wide + lean * 0.6, 0.05)]
    left = [(-0.78 * wide + lean * 0.6, 0.05), (-0.62 * wide + lean * 0.3, 0.55), (-0.12, 0.8)]
    return smooth(np.array([*right, *tips, *left]), 4)


def _cup(canvas: Canvas, species: Species, place: Place, colour: Paint, rng: np.random.Generator) -> None:
    """Two petals behind, one at each side and one in front."""
    petal = colour(species.petal)
    open_ = rng.uniform(0.9, 1.12)
    layers = [
        (_cup_petal(species.petal_shape, -0.3 * open_, 0.6, 0.86), darker(petal, 0.3)),
        (_cup_petal(species.petal_shape, 0.3 * open_, 0.6, 0.86), darker(petal, 0.26)),
        (_cup_petal(species.petal_shape, 0.56 * open_, 0.56, 0.78), darker(petal, 0.08)),
        (_cup_petal(species.petal_shape, -0.56 * open_, 0.56, 0.78), lighter(petal, 0.1)),
        (_cup_petal(species.petal_shape, 0.0, 0.66, 0.66), petal),
    ]
    _paint_sides(canvas, species, layers, place, colour)


def _bell_outline(shape: str, rim: float) -> Points:
    """A bell that hangs from the origin's top (0, -0.85) and opens downwards."""
    if shape == "pointed":
        edge = [(rim, 0.86), (rim * 0.62, 0.66), (rim * 0.3, 0.92), (0, 0.68), (-rim * 0.3, 0.92)]
        edge += [(-rim * 0.62, 0.66), (-rim, 0.86)]
    elif shape == "ruffled":
        heights = (0.72, 0.84, 0.72, 0.84, 0.72, 0.84, 0.72, 0.84, 0.72)
        edge = list(zip(np.linspace(1.08, -1.08, 9) * rim, heights, strict=True))
    else:
        edge = [(rim, 0.66), (rim * 0.72, 0.84), (0.0, 0.9), (-rim * 0.72, 0.84), (-rim, 0.66)]
    right = [(0.1, -0.85), (0.46, -0.62), (0.58, -0.1), (0.68, 0.36)]
    return smooth(np.array([*right, *edge, *((-x, y) for x, y in right[::-1])]), 4)


def _bell(canvas: Canvas, species: Species, place: Place, colour: Paint, rng: np.random.Generator) -> None:
    """A bell with its inside at the rim and a clapper below it."""
    petal = colour(species.petal)
    rim = rng.uniform(0.86, 0.98)
    mouth = smooth(np.array([(rim * 0.95, 0.7), (0.0, 0.9), (-rim * 0.95, 0.7), (0.0, 0.5)]), 4)
    for x in (-0.12, 0.14):
        tip = np.array([x, 1.08])
        canvas.fill(_put(blade(np.array([(x * 0.5, 0.4), tip]), 0.07, 0.07, 1), place), (226, 206, 120))
        canvas.disc(_put(tip, place), 0.09 * place.radius, (214, 176, 70))
    canvas.fill(_put(mouth, place), _shadow(petal))
    _paint_sides(canvas, species, [(_bell_outline(species.petal_shape, rim), petal)], place, colour)
    for x in (-0.36, 0.36):  # folds
        fold = np.array([(x * 0.5, -0.6), (x * 0.9, 0.0), (x * 1.3, 0.55)])
        canvas.fill(_put(blade(fold, 0.02, 0.06), place), _shadow(petal), 0.5)
    cap = smooth(np.array([(0.3, -0.62), (0.0, -1.05), (-0.3, -0.62), (0.0, -0.72)]), 4)
    canvas.fill(_put(cap, place), (92, 134, 66))


def _band(form: str, pattern: str) -> Points:
    """What the accent covers of a cup or a bell: the rim of its petals, or all around the stem."""
    x = np.linspace(-2, 2, 21)
    bow = 0.28 * np.minimum(np.abs(x), 1) ** 2
    if form == "bell":
        edge, end = (0.36 - bow * 0.5, 2.0) if pattern == "edged" else (-0.15 - bow * 0.5, -2.0)
    else:
        edge, end = (-0.3 - bow, -2.0) if pattern == "edged" else (0.3 - bow, 2.0)
    return np.vstack([np.stack([x, edge], 1), [(2, end), (-2, end)]])


def _paint_sides(
    canvas: Canvas, species: Species, layers: list[tuple[Points, Colour]], place: Place, colour: Paint
) -> None:
    """Petals seen from the side, the last one in front, with the species' pattern."""
    bell = species.form == "bell"
    for index, (outline, tone) in enumerate(layers):
        canvas.fill(_put(outline, place), _shadow(tone))
        middle = outline.mean(0)
        inner = canvas.mask(Shape(_put((outline - middle) * 0.93 + middle, place)))
        canvas.shade(inner, lighter(tone, 0.14), darker(tone, 0.14))
        if species.accent == "none":
            continue
        # A petal that lies in shadow has its accent in shadow.
        accent = darker(colour(species.accent), 0.2 if index < 2 and not bell else 0.0)
        if species.pattern == "striped":
            foot, top = (-0.7, 0.7) if bell else (0.72, -0.45)
            for side in (-0.42, 0.0, 0.42) if bell else (-0.26, 0.0, 0.26):
                ends = np.array([(0.0, foot), (middle[0] + side, 0.0), (middle[0] + side * 1.3, top)])
                canvas.fill(_put(blade(ends, 0.05, 0.15), place), accent)
        else:
            over = canvas.mask(Shape(_put(_band(species.form, species.pattern), place)), within=inner)
            canvas.shade(over, lighter(accent, 0.08), darker(accent, 0.1))
