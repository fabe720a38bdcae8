"""Captions with a word exchanged, and captions whose words cannot be told apart. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Sequence

from zoo_registry import ZooError

# The scripts that write sentences without spaces, by their letters: Thai, Lao, Burmese, Khmer, kana, Chinese.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]{5,}"
)


def unseparated(captions: Sequence[str]) -> str:
    """What to know of captions in a script without spaces between words; "" where there are few of these."""
    runs = sum(bool(_UNSPACED.search(caption)) for caption in captions)
    if runs <= len(captions) / 10:
        return ""
    return (
        f"{runs:,} of {len(captions):,} captions hold no spaces between words: an encoder of words takes a "
        "run of letters for one word; separate words by spaces, or choose an encoder of pieces of words"
    )


def varied(caption: str, word: str, others: Sequence[str]) -> list[str]:
    """The caption, and it with each of the others in the word's place, in any letter case.

    Raises `ZooError` where the word is not in the caption.
    """
    place = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
    if not place.search(caption):
        raise ZooError(f"the word {word!r} is not in the caption {caption!r}")
    return [caption, *(other.join(place.split(caption)) for other in others)]
