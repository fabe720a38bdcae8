"""Flowers drawn from attributes: blooms on their stems, in their place, painted on a `Canvas`.

The blooms stay in the middle of the image, so that a random crop of 64 out of 76 pixels keeps them whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image

from zoo_plugins.datasets.procedural.canvas import Canvas, Colour, Points, along, blade, darker, lighter, mix
from zoo_plugins.datasets.procedural.garden import scenes
from zoo_plugins.datasets.procedural.garden.blooms import Place, paint_bloom
from zoo_plugins.datasets.procedural.garden.details import paint_leaf, paint_visitor
from zoo_plugins.datasets.procedural.garden.species import HUES, Species

DRAWING_VERSION = 4  # raise it whenever an image changes, or what is known to show in it

_STEMS: dict[str, Colour] = {"green": (86, 138, 62), "brown": (122, 84, 52), "red": (160, 52, 58)}
_RADII = {"small": 0.175, "medium": 0.215, "large": 0.26}  # of a single bloom
_SHARES = {"small": 0.86, "medium": 1.0, "large": 1.1}  # of blooms in clusters and spikes
_GREEN: Colour = (70, 128, 58)


@dataclass(frozen=True)
class Flower:
    """One image: what, how and where. `key` seeds all that is left to chance."""

    species: Species
    blooms: str  # "1" | "2" | "3" | "many"
    framing: str  # "close" | "whole"
    view: str  # "front" | "tilted"
    background: str
    pot: str  # its colour, "none" without one
    visitor: str  # "none" | "bee" | "butterfly"
    key: tuple[int, ...]


class Plant(NamedTuple):
    """Blooms, the first ones behind, and the stems as (points, width at the foot, width at the bloom)."""

    blooms: list[Place]
    stems: list[tuple[Points, float, float]]


def draw(flower: Flower, resolution: int) -> Image.Image:
    """The image [resolution, resolution], RGB. The same flower has the same content at every resolution."""
    rng = np.random.default_rng(flower.key)
    tint = rng.normal(0, 4, 3) + rng.normal(0, 5)

    @cache
    def colour(name: str) -> Colour:
        r, g, b = np.clip(np.array(HUES[name]) + tint, 0, 255).round().astype(int).tolist()
        return (r, g, b)

    canvas = Canvas(resolution)
    scenes.backdrop(canvas, flower.background, rng)
    plant = _plant(flower, rng)
    green = mix(_GREEN, (110, 140, 70) if rng.random() < 0.5 else (52, 110, 74), rng.uniform(0, 0.7))
    _paint_leaves(canvas, flower, plant, green, rng)
    stem = _STEMS[flower.species.stem]
    for line, foot, head in plant.stems:
        canvas.fill(blade(line, foot, head), darker(stem, 0.3))
        canvas.fill(blade(line - (0.15 * foot, 0), foot * 0.55, head * 0.55), lighter(stem, 0.12))
    foot = float(np.mean([line[0, 0] for line, *_ in plant.stems if line[0, 1] > scenes.RIM]))
    if flower.background == "pot":
        scenes.pot(canvas, foot, scenes.POTS[flower.pot])
    elif flower.background == "vase":
        scenes.vase(canvas, foot)
    for place in plant.blooms:
        paint_bloom(canvas, flower.species, place, colour, rng)
    scenes.foreground(canvas, flower.background, rng)
    if flower.visitor != "none":
        paint_visitor(
            canvas, flower.visitor, min(plant.blooms, key=lambda place: float(place.centre[1])), rng
        )
    return canvas.finish()


# ---- where things are


def _plant(flower: Flower, rng: np.random.Generator) -> Plant:
    """Blooms and stems of the species' arrangement."""
    arrange = {"single": _singles, "cluster": _cluster, "spike": _spike}[flower.species.arrangement]
    floor = {"pot": scenes.RIM + 0.02, "vase": 0.94}.get(flower.background, 1.02)
    return arrange(flower, floor, rng)


def _place(flower: Flower, centre: Points, radius: float, lean: float, rng: np.random.Generator) -> Place:
    """A bloom with its share of chance: open ones spin, all lean a little."""
    spin = rng.uniform(0, 360)
    if flower.species.form != "open":
        return Place(centre, radius, lean=lean + rng.uniform(-7, 7))
    if flower.view == "front":
        return Place(centre, radius, spin, rng.uniform(0.93, 1.0), rng.uniform(-15, 15))
    return Place(centre, radius, spin, rng.uniform(0.55, 0.64), lean + rng.uniform(-12, 12))


def _hang(place: Place) -> tuple[Points, Points]:
    """Where a bloom's stem ends, and the point before: below it, or above a bell."""
    lean = np.radians(place.lean)
    down = np.array([np.sin(lean), np.cos(lean)]) * place.radius
    return place.centre, down


def _singles(flower: Flower, floor: float, rng: np.random.Generator) -> Plant:
    """One, two or three blooms, each on its own stem."""
    count = int(flower.blooms)
    close, indoors = flower.framing == "close", flower.background in ("pot", "vase")
    radius = 0.31 if close else _RADII[flower.species.size] * (1.0, 0.72, 0.64)[count - 1]
    offsets = {
        1: [(0.0, -0.06)],
        2: [(-0.85, -0.5), (0.85, 0.4)],
        3: [(0.0, -0.85), (-0.85, 0.25), (0.85, 0.5)],
    }
    sign = rng.choice((-1.0, 1.0))
    blooms, stems = [], []
    for offset in offsets[count]:
        spread = 0.34 - radius
        middle = np.array([0.5, 0.5 if close else 0.46])
        centre = (
            middle
            + np.array(offset) * (sign * spread, 0.28 - radius if count > 1 else spread)
            + rng.uniform(-0.02, 0.02, 2)
        )
        spot = 0.5 + (centre[0] - 0.5) * (0.12 if indoors else 0.35)
        foot = np.array([spot + (0.0 if indoors else rng.uniform(-0.05, 0.05)), floor])
        lean = float(np.clip((0.5 - centre[0]) * 60, -15, 15))
        place = _place(flower, centre, radius, lean, rng)
        blooms.append(place)
        stems.append((_stem(flower, place, foot, rng), 0.034 if close else 0.028, 0.022))
    return Plant(blooms, stems)


def _stem(flower: Flower, place: Place, foot: Points, rng: np.random.Generator) -> Points:
    """From the foot to the bloom; it arches over a bell."""
    centre, down = _hang(place)
    if flower.species.form == "bell":
        top = centre - down * 0.95
        side = -1.0 if foot[0] < centre[0] else 1.0
        bend = top + np.array([side * place.radius * 0.75, -place.radius * 0.22])
        return np.array([foot, bend + np.array([side * 0.02, place.radius * 1.3]), bend, top])
    end = centre + down * (0.75 if flower.species.form == "cup" else 0.1)
    middle = (foot + end) / 2 + (rng.uniform(-0.03, 0.03), 0)
    return np.array([foot, middle, end])


def _cluster(flower: Flower, floor: float, rng: np.random.Generator) -> Plant:
    """Five or six blooms on thin stems that part from one."""
    close = flower.framing == "close"
    share = _SHARES[flower.species.size] * (1.0 if floor > 1 else 0.85)
    radius = 0.145 if close else 0.115 * share
    reach = (0.32 if close else 0.29 * share) - radius
    middle = np.array([0.5, 0.5 if close else 0.49 if floor > 1 else 0.44]) + rng.uniform(-0.02, 0.02, 2)
    count = int(rng.integers(5, 7))
    angles = np.radians(rng.uniform(0, 360)) + np.arange(count) * 2 * np.pi / count
    ring = np.stack([np.cos(angles), np.sin(angles)], 1) * rng.uniform(0.88, 1.0, (count, 1))
    offsets = sorted([*ring[:, :].tolist(), [0.0, 0.05]], key=lambda offset: offset[1])
    if flower.species.form == "bell":
        offsets = [offset for offset in offsets if abs(offset[0]) > 0.02]
    node = middle + np.array([0.0, reach + radius * 1.25])
    foot = np.array([0.5 + (0 if floor < 1 else rng.uniform(-0.04, 0.04)), floor])
    blooms = []
    stems: list[tuple[Points, float, float]] = [
        (np.array([foot, (foot + node) / 2 + (0.01, 0), node]), 0.03, 0.024)
    ]
    for x, y in offsets:
        centre = middle + np.array([x, y * 0.92]) * reach
        place = _place(flower, centre, radius, float(-x * 25), rng)
        end = centre - _hang(place)[1] * 0.9 if flower.species.form == "bell" else centre
        way = (node + end) / 2 + (x * reach * 0.3, 0.0)
        blooms.append(place)
        stems.append((np.array([node, way, end]), 0.016, 0.012))
    return Plant(blooms, stems)


def _spike(flower: Flower, floor: float, rng: np.random.Generator) -> Plant:
    """Blooms to the left and the right of one tall stem, smaller towards its top."""
    close = flower.framing == "close"
    share = 1.15 if close else _SHARES[flower.species.size]
    count = 7
    heights = np.linspace(0.23, 0.68, count)
    radii = np.linspace(0.058, 0.115, count) * share
    x = 0.5 + rng.uniform(-0.02, 0.02)
    sway = rng.uniform(-0.03, 0.03)
    foot = np.array([x + (0 if floor < 1 else rng.uniform(-0.03, 0.03)), floor])
    stem = np.array([foot, (x + sway, 0.6), (x, 0.2)])
    stems = [(stem, 0.032, 0.014)]
    blooms = []
    for index, (y, radius) in enumerate(zip(heights.tolist(), radii.tolist(), strict=True)):
        side = 0 if index == 0 else -1 if index % 2 else 1
        centre = np.array([x + sway * np.sin(np.pi * (1 - y)) + side * radius * 0.98, y])
        place = _place(
            flower, centre, radius, float(side * (22 if flower.species.form == "bell" else -10)), rng
        )
        blooms.append(place)
    return Plant(blooms, stems)


def _paint_leaves(
    canvas: Canvas, flower: Flower, plant: Plant, green: Colour, rng: np.random.Generator
) -> None:
    """Pairs of leaves along the free part of the first stem; in a close-up they look out behind the bloom."""
    stem = along(plant.stems[0][0], 8)
    floor = 0.99 if flower.background not in ("pot", "vase") else scenes.RIM
    lowest = max(float(place.centre[1]) + place.radius * 0.7 for place in plant.blooms)
    if flower.framing == "close":
        heights = [0.86, 0.97]
    else:
        heights = np.linspace(min(lowest + 0.06, floor - 0.1), floor - 0.02, 2).tolist()
    for index, y in enumerate(heights):
        for side in (-1.0, 1.0):
            root = np.array([np.interp(-y, -stem[:, 1], stem[:, 0]), y + rng.uniform(-0.015, 0.015)])
            tone = darker(green, 0.1 * index + rng.uniform(0, 0.12))
            size = rng.uniform(0.9, 1.1) * (1.25 if flower.framing == "close" else 1.0)
            paint_leaf(canvas, flower.species.leaves, root, side, size, tone, rng)
