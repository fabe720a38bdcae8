"""The sixty species of the aviary: fixed combinations of attributes, spread far from each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from zoo_plugins.datasets.procedural.canvas import PALETTE
from zoo_plugins.datasets.procedural.dataset import far_apart, pick

COLOURS = tuple(PALETTE)
SPECIES = 60
TEST_SPECIES = 12  # the last ones; every colour is a body colour among them and among the others

_BEAKS = ("yellow", "orange", "red", "black", "grey", "brown", "pink", "white")
_CHOICES: dict[str, tuple[str, ...]] = {
    "beak": _BEAKS,
    "beak_shape": ("short", "long", "hooked", "thin"),
    "tail": ("short", "long", "forked"),
    "size": ("small", "medium", "large"),
    "build": ("plump", "slender"),
    "crest": ("no", "no", "yes"),
    "eye_ring": ("none", "none", "white", "yellow"),
    "wing_bar": ("none", "none", "white", "black"),
}
_PLACES = ("alder", "birch", "cedar", "dale", "fen", "heath", "moor", "reed", "thorn", "willow")
_VOICES = ("peep", "trill", "flit", "chirp", "whistle", "hopper")


@dataclass(frozen=True)
class Species:
    """What all birds of a species share. Colours are names of `PALETTE`; without a cap `crown` is `body`."""

    name: str
    body: str
    belly: str
    wing: str
    crown: str
    beak: str
    beak_shape: str
    tail: str
    size: str
    build: str
    crest: str
    eye_ring: str
    wing_bar: str


def _candidate(index: int, rng: np.random.Generator) -> Species:
    name = _PLACES[index % len(_PLACES)] + _VOICES[index // len(_PLACES)]
    return _species(name, COLOURS[index % len(COLOURS)], rng)


def mixed(rng: np.random.Generator) -> Species:
    """A species like these, all its attributes sampled at random."""
    return _species("mixed", pick(rng, COLOURS), rng)


def _species(name: str, body: str, rng: np.random.Generator) -> Species:
    def part(plain: float) -> str:
        """The body's colour in a share of the species, any other colour in the rest."""
        others = [c for c in COLOURS if c != body]
        return body if rng.random() < plain else pick(rng, others)

    chosen = {key: pick(rng, values) for key, values in _CHOICES.items()}
    wing = part(0.2)
    if chosen["wing_bar"] == wing:
        chosen["wing_bar"] = "none"
    return Species(name=name, body=body, belly=part(0.25), wing=wing, crown=part(0.5), **chosen)


@cache
def species() -> tuple[Species, ...]:
    """All species in a fixed order."""
    return far_apart(SPECIES, 60, _candidate)
