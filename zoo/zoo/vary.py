"""Captions with a word exchanged, and words that say little by themselves. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Sequence

from zoo_registry import ZooError

_FUNCTION_WORDS = frozenset(
    # as in the page that `zoo export --format web` writes: export/web/page/js/words.js
    re.findall(
        r"\w+",
        "a an and are at be by for from has have her his in is it its of on or that the their these this to "
        "which who with",
    )
)


def is_function_word(word: str) -> bool:
    """Whether a word has no meaning of its own, such as "a" and "with"; signs of punctuation neither."""
    return word.lower() in _FUNCTION_WORDS or not any(letter.isalnum() for letter in word)


def varied(caption: str, word: str, others: Sequence[str]) -> list[str]:
    """The caption, and it with each of the others in the word's place, in any letter case.

    Raises `ZooError` where the word is not in the caption.
    """
    place = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
    if not place.search(caption):
        raise ZooError(f"the word {word!r} is not in the caption {caption!r}")
    return [caption, *(other.join(place.split(caption)) for other in others)]
