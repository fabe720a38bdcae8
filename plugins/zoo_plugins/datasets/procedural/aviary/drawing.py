"""Birds drawn from attributes: an anatomy of smooth shapes, framed and painted on a `Canvas`.

The anatomy (`aviary_anatomy`) is mirrored and scaled into the middle of the image, so that a random crop
of 64 out of 76 pixels keeps the bird whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from PIL import Image

from zoo_plugins.datasets.procedural import scenery
from zoo_plugins.datasets.procedural.aviary.anatomy import BUILDS, Bird, Parts, anatomy
from zoo_plugins.datasets.procedural.aviary.branch import paint_branch
from zoo_plugins.datasets.procedural.aviary.species import Species
from zoo_plugins.datasets.procedural.canvas import PALETTE, Canvas, Colour, Shape, blade, darker, lighter, mix

DRAWING_VERSION = 2  # raise it whenever an image changes, or what is known to show in it

_CUT = {"belly", "crown", "bar"}  # parts that reach beyond the bird and are painted within others

Paint: TypeAlias = Callable[[str], Colour]  # the colour of a name in this image


def frame(parts: Parts, bird: Bird, rng: np.random.Generator) -> Parts:
    """The shapes turned to their side, scaled to the species' span and put near the image's middle."""
    sign = -1.0 if bird.facing == "left" else 1.0
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for points, radii in (shape for name in parts.keys() - _CUT for shape in parts[name]):
        reach = 0.0 if radii is None else radii[:, None]
        low = np.minimum(low, (points * (sign, 1) - reach).min(0))
        high = np.maximum(high, (points * (sign, 1) + reach).max(0))
    span = BUILDS[bird.species.size].span * rng.uniform(0.97, 1.0)
    scale = span / (high - low).max()
    slack = (0.68 - (high - low) * scale) / 2
    shift = 0.5 + slack * rng.uniform(-0.6, 0.6, 2) - (low + high) / 2 * scale
    return {
        name: [Shape(p * (sign * scale, scale) + shift, None if r is None else r * scale) for p, r in shapes]
        for name, shapes in parts.items()
    }


def draw(bird: Bird, resolution: int) -> Image.Image:
    """The image [resolution, resolution], RGB. The same bird has the same content at every resolution."""
    rng = np.random.default_rng(bird.key)
    parts = frame(anatomy(bird, rng), bird, rng)
    tint = rng.normal(0, 4, 3) + rng.normal(0, 6)

    def colour(name: str) -> Colour:
        r, g, b = np.clip(np.array(PALETTE[name]) + tint, 0, 255).round().astype(int).tolist()
        return (r, g, b)

    if "toes" in parts:
        feet = np.vstack([shape.points[:1] for shape in parts["toes"]])
        ground = float(feet[:, 1].max())
    else:
        spine = parts["body"][0]
        feet, ground = spine.points, float(spine.points[:, 1].max()) + 0.02
    canvas = Canvas(resolution)
    scenery.backdrop(canvas, bird.background, ground, rng)
    behind = canvas.image.copy() if bird.pose == "swimming" else None
    _paint_back(canvas, parts, bird.species, colour)
    if bird.pose in ("perched", "singing"):
        paint_branch(canvas, bird.background, feet, rng)
    _paint_front(canvas, parts, bird.species, colour)
    if bird.pose in ("standing", "pecking"):
        scenery.foreground(canvas, bird.background, ground, rng)
    if behind is not None:
        _float(canvas, behind, ground, rng)
    return canvas.finish()


def _paint_back(canvas: Canvas, parts: Parts, species: Species, colour: Paint) -> None:
    """What the trunk and the branch hide: the far wing and the tail."""
    if "far wing" in parts:
        wing = darker(colour(species.wing), 0.3)
        canvas.shade(canvas.mask(*parts["far wing"]), wing, darker(wing, 0.15))
    tail = darker(colour(species.body), 0.1)
    for feather in parts["tail"]:
        canvas.shade(canvas.mask(feather), lighter(tail, 0.06), darker(tail, 0.22))


def _paint_front(canvas: Canvas, parts: Parts, species: Species, colour: Paint) -> None:
    """The bird itself, from the legs to the eye."""
    body, beak = colour(species.body), colour(species.beak)
    leg = darker(beak, 0.3)
    for limb in (*parts.get("legs", ()), *parts.get("toes", ())):
        canvas.fill(limb.points, leg)
    crown = colour(species.crown)
    for plume in parts.get("crest", ()):
        canvas.shade(canvas.mask(plume), lighter(crown, 0.12), darker(crown, 0.15))
    trunk = canvas.mask(*parts["body"])
    canvas.shade(trunk, lighter(body, 0.14), darker(body, 0.22))
    if species.belly != species.body:
        belly = colour(species.belly)
        canvas.shade(canvas.mask(*parts["belly"], within=trunk), lighter(belly, 0.08), darker(belly, 0.2))
    if species.crown != species.body:
        canvas.shade(canvas.mask(*parts["crown"], within=trunk), lighter(crown, 0.1), darker(crown, 0.1))
    _paint_wing(canvas, parts, species, colour)
    for half, tone in (("lower", darker(beak, 0.28)), ("upper", beak)):
        canvas.shade(canvas.mask(*parts[half]), lighter(tone, 0.1), darker(tone, 0.15))
    dark_face = species.body in ("black", "blue", "purple", "brown") or species.crown == "black"
    if species.eye_ring != "none" or dark_face:
        ring = colour(species.eye_ring) if species.eye_ring != "none" else lighter(body, 0.45)
        canvas.shade(canvas.mask(*parts["ring"]), ring, ring)
    for name, tone in (("eye", (18, 16, 22)), ("glint", (250, 250, 250))):
        canvas.shade(canvas.mask(*parts[name]), tone, tone)


def _paint_wing(canvas: Canvas, parts: Parts, species: Species, colour: Paint) -> None:
    """The near wing with its bar or coverts and the edges of its feathers."""
    wing = colour(species.wing)
    if species.wing == species.body:
        wing = darker(wing, 0.14)
    mask = canvas.mask(*parts["wing"])
    canvas.shade(mask, lighter(wing, 0.1), darker(wing, 0.22))
    line = lighter(wing, 0.3) if sum(wing) < 200 else darker(wing, 0.45)
    for feather in parts["feathers"]:
        canvas.fill(feather.points, line, 0.55)
    if "coverts" in parts:
        body = colour(species.body)
        canvas.shade(canvas.mask(*parts["coverts"]), lighter(body, 0.12), darker(body, 0.05))
        if species.wing_bar != "none":
            edge = parts["coverts"][0].points
            canvas.fill(
                blade(edge[len(edge) * 2 // 5 : len(edge) * 9 // 10 : 3], 0.03, 0.03),
                colour(species.wing_bar),
            )
    elif species.wing_bar != "none":
        bar = colour(species.wing_bar)
        canvas.shade(canvas.mask(*parts["bar"], within=mask), bar, darker(bar, 0.1))


def _float(canvas: Canvas, water: Image.Image, ground: float, rng: np.random.Generator) -> None:
    """The water over the lowest part of a swimming bird, which shimmers through, and rings around it."""
    x = np.linspace(0, 1, 25)
    y = ground + 0.055 + 0.006 * np.sin(x * 40 + rng.uniform(0, 6))
    surface = np.vstack([np.stack([x, y], 1), [(1, 1), (0, 1)]])
    canvas.image.paste(water, (0, 0), canvas.mask(Shape(surface), value=205))
    for width, drop in ((0.3, 0.0), (0.38, 0.03), (0.26, 0.06)):
        centre = 0.5 + rng.uniform(-0.05, 0.05)
        canvas.fill(
            blade(
                [(centre - width, ground + 0.07 + drop), (centre + width, ground + 0.07 + drop)],
                0.01,
                0.006,
                8,
            ),
            mix((214, 226, 228), (140, 170, 180), drop * 12),
            0.6,
        )
