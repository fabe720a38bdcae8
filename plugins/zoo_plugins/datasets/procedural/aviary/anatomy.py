"""The anatomy of the aviary's birds: smooth shapes made from a species and a pose.

The bird's own frame: it faces right, y grows downwards, the trunk is about one unit long and has its middle
at the origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from zoo_plugins.datasets.procedural.aviary.species import Species
from zoo_plugins.datasets.procedural.canvas import Points, Shape, along, blade, smooth

Parts: TypeAlias = dict[str, list[Shape]]  # shapes by the name of the part


class Pose(NamedTuple):
    """How a bird holds itself. Angles in degrees, upwards positive; `neck` leads from breast to head."""

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
    """One image: who, how and where. `key` seeds all that is left to chance."""

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
    span: float  # largest extent in the image, as a share of its side


BUILDS = {
    "small": Build(girth=1.08, head=0.235, neck=0.92, legs=0.9, span=0.6),
    "medium": Build(girth=1.0, head=0.205, neck=1.05, legs=1.1, span=0.645),
    "large": Build(girth=0.96, head=0.18, neck=1.32, legs=1.45, span=0.68),
}
_TAILS = {"short": 0.16, "long": 0.4, "forked": 0.32}
_BEAKS = {  # length and half height in head radii
    "short": (0.85, 0.5),
    "long": (2.15, 0.4),
    "hooked": (1.15, 0.6),
    "thin": (1.5, 0.17),
}


def _turn(points: Any, degrees: float) -> Points:
    """Rotated about the origin, anticlockwise to the eye."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.asarray(points, dtype=float) @ np.array([[c, -s], [s, c]])


def _beak(shape: str) -> tuple[Points, Points]:
    """The upper and the lower half in head radii, base at the origin, pointing right."""
    length, half = _BEAKS[shape]
    if shape == "hooked":
        upper = [
            (0, -half),
            (length * 0.55, -half * 0.85),
            (length, -half * 0.1),
            (length * 0.97, half * 1.15),
        ]
        upper += [(length * 0.72, half * 0.35), (0, half * 0.15)]
        lower = [
            (0, half * 0.15),
            (length * 0.66, half * 0.35),
            (length * 0.45, half * 0.8),
            (0, half * 0.75),
        ]
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
        smooth(
            [(-0.3, -0.1), (-0.55, -0.1), (end, -0.12), (end - 0.03, 0.0), (end + 0.01, 0.11), (-0.5, 0.09)]
        ),
    ]


def _raised_wing(lean: float) -> tuple[Points, Points, list[Points]]:
    """A wing held up: its fingered outline, the coverts at its root, and the lines between its feathers."""
    root, tip = np.array([0.18, -0.1]), np.array([-0.14 + lean, -0.88])
    heel = np.array([-0.36, -0.08])
    lead = along([root, (0.2 + lean * 0.6, -0.46), tip], 5)
    ends = along([tip, (-0.44 + lean, -0.62), (-0.56 + lean * 0.5, -0.34), heel], 3)
    between = (ends[1:] + ends[:-1]) / 2
    between += (root - between) * 0.1
    fingers = np.empty((len(ends) + len(between), 2))
    fingers[::2], fingers[1::2] = ends, between
    coverts = smooth(
        [root, (0.16 + lean * 0.4, -0.38), (-0.08 + lean * 0.4, -0.46), (-0.26, -0.26), heel * 0.9], 5
    )
    lines = [blade([root + (b - root) * 0.5, b], 0.012, 0.02, 1) for b in between[1::2]]
    return np.vstack([lead, fingers[1:]]), coverts, lines


def _folded_wing() -> tuple[Points, Points, list[Points]]:
    """A wing at rest along the side: its outline, the bar across it, and the edges of its feathers."""
    outline = smooth(
        [
            (0.14, 0.0),
            (0.06, -0.12),
            (-0.16, -0.14),
            (-0.4, -0.09),
            (-0.66, 0.02),
            (-0.4, 0.09),
            (-0.12, 0.14),
            (0.08, 0.11),
        ]
    )
    bar = blade([(0.0, -0.2), (-0.07, -0.02), (-0.04, 0.2)], 0.065, 0.065)
    lines = [blade([(-0.18, y), (-0.38, y * 0.75), (-0.58, 0.02)], 0.02, 0.008) for y in (-0.08, -0.01, 0.06)]
    return outline, bar, lines


def anatomy(bird: Bird, rng: np.random.Generator) -> Parts:  # noqa: PLR0915 (shape after shape)
    """The shapes of a bird by the name of their part, in its own frame."""
    species, pose, build = bird.species, POSES[bird.pose], BUILDS[bird.species.size]
    tilt = pose.tilt + rng.uniform(-5, 5)
    girth = build.girth * (1.18 if species.build == "plump" else 0.95)
    head_radius = build.head

    def trunk(points: Any) -> Points:
        return _turn(points, tilt)

    # Trunk, neck and head: the union of discs along a spine.
    breast = trunk([(0.2, 0.0)])[0]
    neck = np.array(pose.neck) * build.neck + rng.uniform(-0.015, 0.015, 2)
    head = breast + neck
    knots = np.vstack(
        [trunk([(-0.56, -0.01), (-0.36, 0.0), (-0.08, 0.03)]), breast, breast + neck * 0.58, head]
    )
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

    parts["crown"] = [
        Shape(
            face(smooth([(0.95, -0.5), (0.4, -1.3), (-0.6, -1.3), (-1.25, -0.5), (-0.9, -0.05), (0, -0.42)]))
        )
    ]
    if species.crest == "yes":
        tips = [(-1.75, -1.35), (-1.35, -1.85), (-0.7, -2.05)]
        roots = [(-0.7, -0.35), (-0.35, -0.6), (0.1, -0.7)]
        bends = [(-1.15, -1.0), (-0.85, -1.35), (-0.2, -1.4)]
        parts["crest"] = [
            Shape(blade(face(np.array([r, b, t])), head_radius * 0.75, head_radius * 0.12))
            for r, b, t in zip(roots, bends, tips, strict=True)
        ]
    upper, lower = _beak(species.beak_shape)
    hinge = np.array([0.8, 0.1])
    parts["upper"] = [Shape(face(_turn(upper, pose.open_beak) + hinge))]
    parts["lower"] = [Shape(face(_turn(lower, -pose.open_beak * 1.3) + hinge))]
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
        parts["far wing"] = [Shape(trunk(_turn(outline, -14) + np.array([0.12, 0.02])))]
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
            toes += [
                Shape(blade([foot, foot + np.array([dx, 0.03])], 0.04, 0.025, 1))
                for dx in (-0.07, 0.06, 0.12)
            ]
        parts["legs"], parts["toes"] = legs, toes
    return parts
