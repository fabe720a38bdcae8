"""What earlier parts promise to later ones: handed over by type, so that no recipe repeats a width.

Shape letters: see `zoo_registry.contracts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .values import Growth


@dataclass(frozen=True)
class TextSource:
    """Where a text encoder takes its vocabulary or tokenizer from.

    The first that is given: a saved model's folder; the words in the order of their index, the first for
    padding; a number of entries whose words are not known (weights without their vocabulary); the training
    captions.
    """

    captions: Iterable[str] = ()
    folder: Path | None = None
    words: Sequence[str] | None = None
    entries: int | None = None


@dataclass(frozen=True)
class TextSpec:
    """What a text encoder gives.

    A sentence of `width` and, where `words`, a vector of the same width a word. Width 0: a recipe without
    text, whose sentences are [B,0]. entries: of its vocabulary of words, above all `Text.ids`; 0: it gives no
    ids.
    """

    width: int
    words: bool = False
    entries: int = 0


@dataclass(frozen=True)
class ConditionSpec:
    """What a conditioning gives: a code of `width`. Width 0: a recipe without text."""

    width: int


@dataclass(frozen=True)
class GeneratorSpec:
    """What a generator makes.

    Its resolutions, small to large, and whether it makes one of them at a time (growing).
    """

    resolutions: tuple[int, ...]
    noise_width: int
    growing: bool = False

    def resolutions_at(self, growth: Growth) -> tuple[int, ...]:
        """The resolutions of `Generated.images` at a growth."""
        return (growth.resolution,) if self.growing else self.resolutions
