"""The eighty people of the portraits: fixed combinations of features, spread far from each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from zoo_plugins.datasets.procedural.canvas import Colour
from zoo_plugins.datasets.procedural.dataset import far_apart, pick

PEOPLE = 80
TEST_PEOPLE = 16  # the last ones

SKINS: dict[str, Colour] = {
    "pale": (250, 222, 206),
    "light": (240, 198, 164),
    "tan": (212, 158, 112),
    "brown": (158, 104, 68),
    "dark": (104, 66, 46),
}
HAIRS: dict[str, Colour] = {
    "black": (40, 34, 38),
    "brown": (106, 66, 38),
    "blonde": (236, 198, 110),
    "red": (196, 84, 34),
    "grey": (150, 150, 156),
    "white": (236, 234, 230),
}
EYES: dict[str, Colour] = {
    "brown": (104, 60, 28),
    "blue": (48, 124, 216),
    "green": (54, 152, 78),
    "grey": (132, 146, 158),
}
STYLES = {
    "woman": ("long", "wavy", "bob", "bun", "ponytail", "braids", "curly", "short", "afro"),
    "man": ("short", "bald", "spiky", "parted", "curly", "short", "bald", "long", "afro"),
}
LENGTHS = {  # of each style, as captions may call it
    "bald": "none",
    "short": "short",
    "spiky": "short",
    "parted": "short",
    "curly": "short",
    "afro": "medium",
    "bob": "medium",
    "bun": "tied",
    "ponytail": "tied",
    "braids": "long",
    "long": "long",
    "wavy": "long",
}
_FRINGED = ("long", "bob", "ponytail", "bun", "braids")
# One after the other; the lengths of these cycles have no common factor.
_AGES = ("young", "middle", "old", "young", "middle", "young", "old")
_GLASSES = ("none", "none", "round", "none", "square", "none", "none", "square", "none", "round", "none")
_BEARDS = ("none", "full", "none", "moustache", "none", "goatee", "none", "stubble")
_NAMES = {
    "woman": (("al", "bel", "cor", "del", "el", "mar", "ros", "sel"), ("ia", "ana", "ina", "ette", "ora")),
    "man": (("ald", "bor", "cas", "dor", "em", "jor", "mil", "ten"), ("an", "on", "us", "ek", "il")),
}


@dataclass(frozen=True)
class Person:
    """What all portraits of a person share. Colours are names of `SKINS`, `HAIRS`, `EYES` or `PALETTE`."""

    name: str
    gender: str  # "woman" | "man"
    age: str  # "young" | "middle" | "old"
    skin: str
    face: str  # "oval" | "round" | "square" | "long"
    hair: str  # its colour, of beard and brows as well
    style: str  # a key of `LENGTHS`
    fringe: str  # "yes" | "no"
    eyes: str
    brows: str  # "thin" | "thick"
    nose: str  # "small" | "long" | "broad"
    lips: str  # "thin" | "full"
    beard: str  # "none" | "stubble" | "moustache" | "goatee" | "full"
    freckles: str  # "yes" | "no"
    glasses: str  # "none" | "round" | "square"
    frame: str  # the colour of the glasses' frame; "none" without
    earrings: str  # "none" | "gold" | "silver"


def _candidate(index: int, rng: np.random.Generator) -> Person:
    gender, rank = ("woman", "man")[index % 2], index // 2
    stems, endings = _NAMES[gender]
    return _person(
        stems[rank % len(stems)] + endings[rank // len(stems)],
        gender,
        _AGES[index % len(_AGES)],
        tuple(SKINS)[index % len(SKINS)],
        _BEARDS[rank % len(_BEARDS)],
        _GLASSES[index % len(_GLASSES)],
        rng,
    )


def mixed(rng: np.random.Generator) -> Person:
    """A person like these, all features sampled at random."""
    values = ("woman", "man"), _AGES, tuple(SKINS), _BEARDS, _GLASSES
    gender, age, skin, beard, glasses = (pick(rng, each) for each in values)
    return _person("mixed", gender, age, skin, beard, glasses, rng)


def _person(
    name: str, gender: str, age: str, skin: str, beard: str, glasses: str, rng: np.random.Generator
) -> Person:
    style = pick(rng, STYLES[gender])
    hair = pick(rng, ("grey", "white") if age == "old" else tuple(HAIRS)[:4])
    beard = beard if gender == "man" else "none"
    if hair not in ("grey", "white") and skin in ("brown", "dark"):
        hair = "black"  # brown hair would not show before brown skin
    elif hair == "blonde" and beard != "none":
        hair = "brown"  # nor would a blonde beard before fair skin
    return Person(
        name=name,
        gender=gender,
        age=age,
        skin=skin,
        face=pick(rng, ("oval", "round", "square", "long")),
        hair=hair,
        style=style,
        fringe=pick(rng, ("yes", "no")) if style in _FRINGED and gender == "woman" else "no",
        eyes=pick(rng, ("brown",) if skin == "dark" else tuple(EYES)),
        brows=pick(rng, ("thin", "thick")),
        nose=pick(rng, ("small", "long", "broad")),
        lips=pick(rng, ("thin", "full")),
        beard=beard,
        freckles=pick(rng, ("no", "no", "yes")) if skin in ("pale", "light") and age == "young" else "no",
        glasses=glasses,
        frame=pick(rng, ("black", "red", "blue", "brown")) if glasses != "none" else "none",
        earrings=pick(rng, ("none", "gold", "silver")) if gender == "woman" else "none",
    )


@cache
def people() -> tuple[Person, ...]:
    """Everyone in a fixed order, women and men in turn."""
    return far_apart(PEOPLE, 80, _candidate)
