"""Captions with a word exchanged. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Sequence

from zoo_registry import ZooError


def varied(caption: str, word: str, others: Sequence[str]) -> list[str]:
    """The caption, and it with each of the others in the word's place, in any letter case.

    Raises `ZooError` where the word is not in the caption.
    """
    place = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
    if not place.search(caption):
        raise ZooError(f"the word {word!r} is not in the caption {caption!r}")
    return [caption, *(other.join(place.split(caption)) for other in others)]
