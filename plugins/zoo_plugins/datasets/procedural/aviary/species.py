"""The sixty species of the aviary: fixed combinations of attributes, spread far from each other."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache

import numpy as np

from zoo_plugins.datasets.procedural.canvas import PALETTE

COLOURS = tuple(PALETTE)
SPECIES = 60
TEST_SPECIES = 12  # the last ones; every colour is a body colour among them and among the others
_CANDIDATES = 40

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


def _candidate(name: str, body: str, rng: np.random.Generator) -> Species:
    def part(plain: float) -> str:
        """The body's colour in a share of the species, any other colour in the rest."""
        others = [c for c in COLOURS if c != body]
        return body if rng.random() < plain else others[rng.integers(len(others))]

    drawn = {key: values[rng.integers(len(values))] for key, values in _CHOICES.items()}
    wing = part(0.2)
    if drawn["wing_bar"] == wing:
        drawn["wing_bar"] = "none"
    return Species(name=name, body=body, belly=part(0.25), wing=wing, crown=part(0.5), **drawn)


def _likeness(a: Species, b: Species) -> int:
    mine, theirs = asdict(a), asdict(b)
    return sum(mine[key] == theirs[key] for key in mine)


def mixed(rng: np.random.Generator) -> Species:
    """A species like these, all its attributes drawn at random."""
    return _candidate("mixed", COLOURS[rng.integers(len(COLOURS))], rng)


@cache
def species() -> tuple[Species, ...]:
    """All species in a fixed order: of a few candidates each, the one least like any species before it."""
    rng = np.random.default_rng(60)
    chosen: list[Species] = []
    for index in range(SPECIES):
        name = _PLACES[index % len(_PLACES)] + _VOICES[index // len(_PLACES)]
        body = COLOURS[index % len(COLOURS)]
        candidates = [_candidate(name, body, rng) for _ in range(_CANDIDATES)]
        chosen.append(min(candidates, key=lambda c: sum(_likeness(c, s) ** 3 for s in chosen)))
    return tuple(chosen)
