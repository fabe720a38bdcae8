"""What a portrait shows, and the frame that its head is drawn in.

The head's own frame: the origin lies between eyes and nose, the chin about 1 below it and the top of the
skull a little more than 1 above; y grows downwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from zoo_plugins.datasets.procedural.canvas import Colour, Points, darker, mirrored, mix, smooth
from zoo_plugins.datasets.procedural.portraits.people import HAIRS, SKINS, Person

_RIGHT_SIDES = {  # a face's right half from the crown to the chin
    "oval": [(0.5, -1.02), (0.75, -0.5), (0.77, 0.0), (0.67, 0.5), (0.37, 0.9)],
    "round": [(0.55, -1.0), (0.84, -0.52), (0.9, 0.06), (0.79, 0.58), (0.44, 0.89)],
    "square": [(0.56, -1.02), (0.79, -0.5), (0.81, 0.1), (0.77, 0.6), (0.5, 0.94)],
    "long": [(0.46, -1.04), (0.67, -0.5), (0.68, 0.06), (0.6, 0.6), (0.34, 1.0)],
}
CHINS = {"oval": 1.0, "round": 0.97, "square": 1.0, "long": 1.12}
WIDTHS = {"oval": 0.77, "round": 0.89, "square": 0.81, "long": 0.68}  # half, at the ears
MOUTH = 0.56  # height of the mouth

_CHIN = np.array([0.0, 1.0])  # about which the head leans


@dataclass(frozen=True)
class Portrait:
    """One image: who, how, in what clothes and where. `key` seeds all that is left to chance."""

    person: Person
    expression: str  # "smiling" | "laughing" | "serious" | "sad" | "surprised"
    turn: str  # "front" | "side"
    tilt: str  # "straight" | "tilted"
    glasses: str  # the person's, or "sunglasses"
    hat: str  # "none" | "cap" | "beanie" | "sun hat"
    hat_colour: str
    lipstick: str  # "none" | "red" | "pink"
    clothes: str  # "t-shirt" | "striped shirt" | "shirt" | "suit" | "hoodie" | "turtleneck"
    clothes_colour: str
    tie: str  # its colour; "none" without
    background: str
    key: tuple[int, ...]


@dataclass(frozen=True)
class Head:
    """Where the head is and what it is made of."""

    portrait: Portrait
    centre: Points  # [2], in the image
    scale: float  # the head's unit in the image
    lean: float  # degrees
    turn: float  # how far the features have moved to a side
    tint: Points = field(default_factory=lambda: np.zeros(3))

    @property
    def person(self) -> Person:
        """Whose head it is."""
        return self.portrait.person

    @cached_property
    def _matrix(self) -> Points:
        """[2, 2], from the head's frame into the image, about the chin."""
        c, s = np.cos(np.radians(self.lean)), np.sin(np.radians(self.lean))
        return np.array([[c, -s], [s, c]]) * self.scale

    def put(self, points: Any) -> Points:
        """From the head's frame into the image."""
        turned: Points = (np.asarray(points, dtype=float) - _CHIN) @ self._matrix
        return turned + _CHIN * self.scale + self.centre

    def face(self, points: Any) -> Points:
        """As `put`, for what lies on the front of the face and moves when the head turns."""
        return self.put(np.asarray(points, dtype=float) + np.array([self.turn, 0.0]))

    def tone(self, colour: Colour) -> Colour:
        """A colour in this image's light."""
        r, g, b = np.clip(np.array(colour) + self.tint, 0, 255).round().astype(int).tolist()
        return (r, g, b)

    @cached_property
    def skin(self) -> Colour:
        """The tone of the skin."""
        return self.tone(SKINS[self.person.skin])

    @cached_property
    def hair(self) -> Colour:
        """The tone of the hair."""
        return self.tone(HAIRS[self.person.hair])

    @property
    def width(self) -> float:
        """Half the face's width."""
        return WIDTHS[self.person.face]


def outline(person: Person) -> Points:
    """The face in the head's frame."""
    right = np.array(_RIGHT_SIDES[person.face])
    if person.gender == "woman":
        right = right * np.array([[1.0, 1.0]] * 3 + [[0.92, 1.0], [0.84, 1.0]])
    return smooth(mirrored([(0.0, -1.14), *right, (0.0, CHINS[person.face])]), 4)


def shadow(skin: Colour) -> Colour:
    """Skin in shadow."""
    return mix(darker(skin, 0.2), (150, 60, 40), 0.16)
