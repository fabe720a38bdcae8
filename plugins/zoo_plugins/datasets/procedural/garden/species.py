"""The fifty species of the garden: fixed combinations of attributes, spread far from each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from zoo_plugins.datasets.procedural.canvas import PALETTE, Colour
from zoo_plugins.datasets.procedural.dataset import far_apart, pick

HUES: dict[str, Colour] = PALETTE | {
    "lilac": (188, 158, 226),
    "blue": (62, 104, 216),
    "pink": (247, 140, 182),
    "brown": (112, 68, 36),
}
COLOURS = ("red", "yellow", "purple", "white", "orange", "blue", "pink", "lilac")  # of petals
SPECIES = 50
TEST_SPECIES = 10  # the last ones; every petal colour and every form is among them and among the others

# One after the other; ten species hold every form.
_FORMS = ("open", "open", "cup", "open", "open", "open", "bell", "open", "cup", "open")
_CENTRES = ("yellow", "yellow", "orange", "brown", "black", "green", "white", "red")
# Cycles of lengths that have no factor in common with the others: plain petals and green stems are usual.
_PATTERNS = ("plain", "edged", "plain", "throat", "plain", "striped", "plain")
_STEMS = ("green", "red", "green", "green", "brown", "green", "green", "red", "green", "green", "brown")
_ARRANGEMENTS = {
    "open": ("single", "single", "single", "cluster", "cluster", "spike"),
    "bell": ("single", "cluster", "spike"),
}
_PLACES = ("amber", "brook", "dawn", "dew", "ember", "frost", "glade", "honey", "lark", "moon")
_ENDINGS = ("wort", "balm", "weed", "bane", "bloom")


@dataclass(frozen=True)
class Species:
    """What all flowers of a species share. Colours are names of `HUES`.

    Blooms that are cups or bells hide the number of their petals and their centre ("hidden").
    """

    name: str
    form: str  # "open" | "cup" | "bell"
    petal: str
    petals: str  # "4" | "5" | "6" | "8" | "many" | "hidden"
    petal_shape: str  # "round" | "pointed" | "narrow" | "heart" | "ruffled"
    layers: str  # "single" | "several"
    pattern: str  # "plain" | "edged" | "throat" | "striped"
    accent: str  # the pattern's colour; "none" where the petals are plain
    centre: str
    centre_kind: str  # "disc" | "stamens" | "trumpet" | "hidden"
    centre_size: str  # "small" | "large" | "hidden"
    arrangement: str  # "single" | "cluster" | "spike"
    size: str  # "small" | "medium" | "large"
    leaves: str  # "narrow" | "broad" | "feathery"
    stem: str


def _candidate(index: int, rng: np.random.Generator) -> Species:
    name = _PLACES[index % len(_PLACES)] + _ENDINGS[index // len(_PLACES)]
    form, petal = _FORMS[index % len(_FORMS)], COLOURS[index % len(COLOURS)]
    return _species(name, form, petal, _PATTERNS[index % len(_PATTERNS)], _STEMS[index % len(_STEMS)], rng)


def mixed(rng: np.random.Generator) -> Species:
    """A species like these, all its attributes sampled at random."""
    form, petal, pattern, stem = (pick(rng, values) for values in (_FORMS, COLOURS, _PATTERNS, _STEMS))
    return _species("mixed", form, petal, pattern, stem, rng)


def _species(name: str, form: str, petal: str, pattern: str, stem: str, rng: np.random.Generator) -> Species:
    arrangement = "single" if form == "cup" else pick(rng, _ARRANGEMENTS[form])
    # The blooms of a spike are too small for a pattern.
    pattern = pattern if arrangement != "spike" else "plain"
    accent = "none" if pattern == "plain" else pick(rng, [c for c in COLOURS if _apart(c, petal)])
    return Species(
        name=name,
        form=form,
        petal=petal,
        pattern=pattern,
        accent=accent,
        arrangement=arrangement,
        size=pick(rng, ("small", "medium", "large")),
        leaves=pick(rng, ("narrow", "broad", "feathery")),
        stem=stem,
        **_inside(form, arrangement == "single", pattern, (petal, accent), rng),
    )


def _apart(colour: str, other: str) -> bool:
    """Whether two colours cannot be taken for each other where they meet."""
    return sum((a - b) ** 2 for a, b in zip(HUES[colour], HUES[other], strict=True)) > 15000


def _inside(
    form: str, single: bool, pattern: str, taken: tuple[str, str], rng: np.random.Generator
) -> dict[str, str]:
    """Petals and centre; the centre has a colour of its own, and single blooms have the finer parts."""
    if form != "open":
        hidden = dict.fromkeys(("petals", "centre", "centre_kind", "centre_size"), "hidden")
        return hidden | {"petal_shape": pick(rng, ("round", "pointed", "ruffled")), "layers": "single"}
    petals = pick(rng, ("4", "5", "5", "6", "8", "many", "many") if single else ("4", "5", "6"))
    shapes = ("round", "pointed", "narrow", *(("heart", "ruffled") if petals != "many" else ()))
    return {
        "petals": petals,
        "petal_shape": pick(rng, shapes),
        "layers": "several" if single and pattern != "throat" and rng.random() < 0.3 else "single",
        "centre": pick(rng, [colour for colour in _CENTRES if colour not in taken]),
        "centre_kind": pick(rng, ("disc", "disc", "stamens", "trumpet")) if single else "disc",
        "centre_size": pick(rng, ("small", "large")),
    }


@cache
def species() -> tuple[Species, ...]:
    """All species in a fixed order."""
    return far_apart(SPECIES, 50, _candidate)
