"""Birds drawn from attributes: an anatomy of smooth shapes, framed and painted on a `Canvas`.

The anatomy lives in the bird's own frame: it faces right, y grows downwards, the trunk is about one unit long. It is
then turned, mirrored and scaled into the middle of the picture, so that a random crop of 64 out of 76 pixels keeps it whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from zoo_plugins.datasets import aviary_scenes as scenes
from zoo_plugins.datasets.aviary_species import Species
from zoo_plugins.datasets.canvas import (
    PALETTE,
    Canvas,
    Colour,
    Points,
    Shape,
    along,
    blade,
    darker,
    lighter,
    mix,
    smooth,
)

DRAWING_VERSION = 1  # raise it whenever a picture changes


class Pose(NamedTuple):
    """How a bird holds itself. Angles in degrees, upwards positive; `neck` leads from the breast to the head."""

    tilt: float
    neck: tuple[float, float]
    gaze: float = 0.0
    legs: float = 0.0  # 0: not to be seen
    open_beak: float = 0.0
    raised_wings: bool = False


POSES: dict[str, Pose] = {
    "perched": Pose(tilt=36, neck=(0.16, -0.35), legs=0.1),
    "singing": Pose(tilt=44, neck=(0.15, -0.37), gaze=24, legs=0.1, open_beak=15),
    "standing": Pose(tilt=14, neck=(0.24, -0.34), legs=0.26),
    "pecking": Pose(tilt=-14, neck=(0.36, 0.06), gaze=-42, legs=0.26),
    "flying": Pose(tilt=8, neck=(0.35, -0.1), gaze=4, raised_wings=True),
    "swimming": Pose(tilt=2, neck=(0.21, -0.42)),
}


@dataclass(frozen=True)
class Bird:
    """One picture: who, how and where. `key` seeds all that is left to chance."""

    species: Species
    pose: str  # of POSES
    background: str
    facing: str  # "left" | "right"
    key: tuple[int, ...]


class Build(NamedTuple):
    """Proportions in the bird's frame."""

    girth: float
    head: float  # radius
    neck: float  # factor
    legs: float  # factor
    span: float  # largest extent in the picture, as a share of its side


_BUILDS = {
    "small": Build(girth=1.08, head=0.235, neck=0.92, legs=0.9, span=0.6),
    "medium": Build(girth=1.0, head=0.205, neck=1.05, legs=1.1, span=0.645),
    "large": Build(girth=0.96, head=0.18, neck=1.32, legs=1.45, span=0.68),
}
_TAILS = {"short": 0.16, "long": 0.46, "forked": 0.36}
_BEAKS = {"short": (1.0, 0.46), "long": (2.3, 0.36), "hooked": (1.15, 0.6), "thin": (1.5, 0.22)}  # length, half height


def _turn(points: Any, degrees: float) -> Points:
    """Rotated about the origin, anticlockwise to the eye."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.asarray(points, dtype=float) @ np.array([[c, -s], [s, c]])


def _beak(shape: str, head: float) -> tuple[Points, Points]:
    """The upper and the lower half, base at the origin, pointing right."""
    length, half = _BEAKS[shape][0] * head, _BEAKS[shape][1] * head
    if shape == "hooked":
        upper = [(0, -half), (length * 0.55, -half * 0.85), (length, -half * 0.1), (length * 0.97, half * 1.15)]
        upper += [(length * 0.72, half * 0.35), (0, half * 0.15)]
        lower = [(0, half * 0.15), (length * 0.66, half * 0.35), (length * 0.45, half * 0.8), (0, half * 0.75)]
        return np.array(upper), np.array(lower)
    bow = half * (0.7 if shape == "short" else 0.45)
    upper = [(0, -half), (length * 0.5, -bow), (length, 0.0), (0, half * 0.2)]
    lower = [(0, half * 0.2), (length * 0.94, 0.0), (length * 0.4, half * 0.6), (0, half * 0.85)]
    return np.array(upper), np.array(lower)


def _tail(kind: str) -> list[Points]:
    """Feathers from the rump backwards."""
    end = -0.5 - _TAILS[kind]
    if kind == "forked":
        return [
            np.array([(-0.32, -0.12), (-0.6, -0.1), (end, -0.24), (end + 0.16, -0.02), (-0.42, 0.08)]),
            np.array([(-0.32, -0.08), (-0.6, -0.02), (end + 0.04, 0.2), (-0.62, 0.13), (-0.36, 0.12)]),
        ]
    return [
        smooth([(-0.3, -0.1), (-0.55, -0.1), (end, -0.12), (end - 0.03, 0.0), (end + 0.01, 0.11), (-0.5, 0.09)]),
    ]


def _raised_wing(lean: float) -> tuple[Points, Points, list[Points]]:
    """A wing held up: its outline with fingered feathers, the coverts at its root, and lines between the feathers."""
    root, tip = np.array([0.18, -0.1]), np.array([-0.14 + lean, -0.88])
    heel = np.array([-0.36, -0.08])
    lead = along([root, (0.2 + lean * 0.6, -0.46), tip], 5)
    ends = along([tip, (-0.44 + lean, -0.62), (-0.56 + lean * 0.5, -0.34), heel], 3)
    between = (ends[1:] + ends[:-1]) / 2
    between += (root - between) * 0.1
    fingers = np.empty((len(ends) + len(between), 2))
    fingers[::2], fingers[1::2] = ends, between
    coverts = smooth([root, (0.16 + lean * 0.4, -0.38), (-0.08 + lean * 0.4, -0.46), (-0.26, -0.26), heel * 0.9], 5)
    lines = [blade([root + (b - root) * 0.5, b], 0.012, 0.02, 1) for b in between[1::2]]
    return np.vstack([lead, fingers[1:]]), coverts, lines


def _folded_wing() -> tuple[Points, Points, list[Points]]:
    """A wing at rest along the side: its outline, the bar across it, and the edges of its feathers."""
    outline = smooth(
        [(0.14, 0.0), (0.06, -0.12), (-0.16, -0.14), (-0.4, -0.09), (-0.66, 0.02), (-0.4, 0.09), (-0.12, 0.14), (0.08, 0.11)]
    )
    bar = blade([(0.0, -0.2), (-0.07, -0.02), (-0.04, 0.2)], 0.065, 0.065)
    lines = [
        blade([(-0.18, y), (-0.38, y * 0.75), (-0.58, 0.02)], 0.02, 0.008) for y in (-0.08, -0.01, 0.06)
    ]
    return outline, bar, lines


def anatomy(bird: Bird, rng: np.random.Generator) -> dict[str, list[Shape]]:
    """The shapes of a bird by the name of their part, in its own frame."""
    species, pose, build = bird.species, POSES[bird.pose], _BUILDS[bird.species.size]
    tilt = pose.tilt + rng.uniform(-5, 5)
    girth = build.girth * (1.1 if species.build == "plump" else 0.9)
    head_radius = build.head

    def trunk(points: Any) -> Points:
        return _turn(points, tilt)

    # Trunk, neck and head: the union of discs along a spine.
    breast = trunk([(0.2, 0.0)])[0]
    neck = np.array(pose.neck) * build.neck + rng.uniform(-0.015, 0.015, 2)
    head = breast + neck
    knots = np.vstack([trunk([(-0.56, -0.01), (-0.36, 0.0), (-0.08, 0.03)]), breast, breast + neck * 0.58, head])
    radii = np.array([0.07, 0.16 * girth, 0.285 * girth, 0.27 * girth, 0.0, head_radius])
    radii[4] = 0.55 * radii[3] + 0.45 * head_radius if build.neck < 1.2 else 0.86 * head_radius
    spine = along(np.hstack([knots, radii[:, None]]), 7)  # [n, 3]
    parts = {"body": [Shape(spine[:, :2], spine[:, 2])]}

    # Belly and crown are cut by the body when they are painted.
    below = trunk([(-0.42, 0.17), (-0.2, 0.26 * girth), (0.08, 0.24 * girth), (0.3, 0.12)])
    belly = along(np.hstack([below, np.array([[0.05], [0.12], [0.135], [0.11]]) * girth]), 5)
    parts["belly"] = [Shape(belly[:, :2], belly[:, 2])]

    gaze = pose.gaze + rng.uniform(-6, 6)

    def face(points: Any) -> Points:
        """From a frame of the head, in head radii, whose x axis is the gaze."""
        return _turn(np.asarray(points, dtype=float) * head_radius, gaze) + head

    parts["crown"] = [Shape(face(smooth([(0.95, -0.5), (0.4, -1.3), (-0.6, -1.3), (-1.25, -0.5), (-0.9, -0.05), (0, -0.42)])))]
    if species.crest == "yes":
        tips = [(-1.75, -1.35), (-1.35, -1.85), (-0.7, -2.05)]
        roots = [(-0.7, -0.35), (-0.35, -0.6), (0.1, -0.7)]
        bends = [(-1.15, -1.0), (-0.85, -1.35), (-0.2, -1.4)]
        parts["crest"] = [
            Shape(blade(face(np.array([r, b, t])), head_radius * 0.75, head_radius * 0.12))
            for r, b, t in zip(roots, bends, tips, strict=True)
        ]
    upper, lower = (half / head_radius + (0.8, 0.1) for half in _beak(species.beak_shape, head_radius))
    hinge = np.array([0.8, 0.1])
    parts["upper"] = [Shape(face(_turn(upper - hinge, pose.open_beak) + hinge))]
    parts["lower"] = [Shape(face(_turn(lower - hinge, -pose.open_beak * 1.3) + hinge))]
    eye = face([(0.32, -0.18)])
    parts["ring"] = [Shape(eye, np.array([0.42 * head_radius]))]
    parts["eye"] = [Shape(eye, np.array([0.29 * head_radius]))]
    parts["glint"] = [Shape(face([(0.4, -0.28)]), np.array([0.1 * head_radius]))]

    cock = rng.uniform(-8, 8)  # the tail's own angle, about the rump
    rump = np.array([-0.45, 0.0])
    parts["tail"] = [Shape(trunk(_turn(f - rump, cock) + rump)) for f in _tail(species.tail)]

    if pose.raised_wings:
        lean = rng.uniform(-0.14, 0.06)
        outline, coverts, lines = _raised_wing(lean)
        parts["far wing"] = [Shape(trunk(_turn(outline, -14) + (0.12, 0.02)))]
        parts["coverts"] = [Shape(trunk(coverts))]
    else:
        outline, bar, lines = _folded_wing()
        parts["bar"] = [Shape(trunk(bar))]
    parts["wing"] = [Shape(trunk(outline))]
    parts["feathers"] = [Shape(trunk(line)) for line in lines]

    if pose.legs:
        length = pose.legs * build.legs
        hips = trunk([(-0.12, 0.22 * girth), (0.02, 0.24 * girth)])
        floor = hips[:, 1].max() + 0.06 + length
        legs, toes = [], []
        for hip, stride in zip(hips, (-0.02, 0.06), strict=True):
            foot = np.array([hip[0] + stride, floor])
            knee = (hip + foot) / 2 - (0.03 * (length > 0.2), 0)
            legs.append(Shape(blade([hip, knee, foot], 0.06, 0.035)))
            toes += [Shape(blade([foot, foot + (dx, 0.03)], 0.04, 0.025, 1)) for dx in (-0.07, 0.06, 0.12)]
        parts["legs"], parts["toes"] = legs, toes
    return parts


def frame(parts: dict[str, list[Shape]], bird: Bird, rng: np.random.Generator) -> dict[str, list[Shape]]:
    """The shapes turned to their side, scaled to the species' span and put near the picture's middle."""
    sign = -1.0 if bird.facing == "left" else 1.0
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for points, radii in (shape for shapes in parts.values() for shape in shapes):
        reach = 0.0 if radii is None else radii[:, None]
        low = np.minimum(low, (points * (sign, 1) - reach).min(0))
        high = np.maximum(high, (points * (sign, 1) + reach).max(0))
    span = _BUILDS[bird.species.size].span * rng.uniform(0.97, 1.0)
    scale = span / (high - low).max()
    slack = (0.68 - (high - low) * scale) / 2
    shift = 0.5 + slack * rng.uniform(-0.6, 0.6, 2) - (low + high) / 2 * scale
    return {
        name: [Shape(p * (sign * scale, scale) + shift, None if r is None else r * scale) for p, r in shapes]
        for name, shapes in parts.items()
    }


def draw(bird: Bird, side: int) -> Image.Image:
    """The picture [side, side], RGB. The same bird has the same content at every side."""
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
    canvas = Canvas(side)
    scenes.backdrop(canvas, bird.background, ground, rng)
    behind = canvas.image.copy() if bird.pose == "swimming" else None
    _paint_back(canvas, parts, bird.species, colour)
    if bird.pose in ("perched", "singing"):
        scenes.footing(canvas, bird.background, feet, rng)
    _paint_front(canvas, parts, bird.species, colour)
    if bird.pose in ("standing", "pecking"):
        scenes.foreground(canvas, bird.background, ground, rng)
    if behind is not None:
        _float(canvas, behind, ground, rng)
    return canvas.finish()


def _paint_back(canvas: Canvas, parts: dict[str, list[Shape]], species: Species, colour: Any) -> None:
    """What the trunk and the branch hide: the far wing and the tail."""
    if "far wing" in parts:
        wing = darker(colour(species.wing), 0.3)
        canvas.shade(canvas.mask(*parts["far wing"]), wing, darker(wing, 0.15))
    tail = darker(colour(species.body), 0.1)
    for feather in parts["tail"]:
        canvas.shade(canvas.mask(feather), lighter(tail, 0.06), darker(tail, 0.22))


def _paint_front(canvas: Canvas, parts: dict[str, list[Shape]], species: Species, colour: Any) -> None:
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
        share = 1.0 if species.eye_ring != "none" else 0.86
        canvas.disc(parts["ring"][0].points[0], float(parts["ring"][0].radii[0]) * share, ring)
    for name, tone in (("eye", (18, 16, 22)), ("glint", (250, 250, 250))):
        spot = parts[name][0]
        canvas.disc(spot.points[0], float(spot.radii[0]), tone)


def _paint_wing(canvas: Canvas, parts: dict[str, list[Shape]], species: Species, colour: Any) -> None:
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
            canvas.fill(blade(edge[len(edge) * 2 // 5 : len(edge) * 9 // 10 : 3], 0.03, 0.03), colour(species.wing_bar))
    elif species.wing_bar != "none":
        bar = colour(species.wing_bar)
        canvas.shade(canvas.mask(*parts["bar"], within=mask), bar, darker(bar, 0.1))


def _float(canvas: Canvas, water: Image.Image, ground: float, rng: np.random.Generator) -> None:
    """The water over the lowest part of a swimming bird, which shimmers through, and rings around it."""
    x = np.linspace(0, 1, 25)
    y = ground + 0.07 + 0.006 * np.sin(x * 40 + rng.uniform(0, 6))
    surface = np.vstack([np.stack([x, y], 1), [(1, 1), (0, 1)]])
    canvas.image.paste(water, (0, 0), canvas.mask(Shape(surface), value=205))
    for width, drop in ((0.3, 0.0), (0.38, 0.03), (0.26, 0.06)):
        centre = 0.5 + rng.uniform(-0.05, 0.05)
        canvas.fill(
            blade([(centre - width, ground + 0.07 + drop), (centre + width, ground + 0.07 + drop)], 0.01, 0.006, 8),
            mix((214, 226, 228), (140, 170, 180), drop * 12),
            0.6,
        )
