"""HTML of the page: captions with unknown words marked, and pictures that show where a stage looked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from PIL import Image

from ..pipeline import Drawn, to_pillow
from ..report.embed import embedded
from ..report.figures import overlays

SIDE = 192
"""Pixels that a stage's picture is embedded at."""
_BUDGET = 1_500_000  # bytes of all maps of one picture


def marked(caption: str, unknown: Sequence[str]) -> str:
    """The caption with the pieces that do not reach the picture marked; "" where all do."""
    if not unknown:
        return ""
    either = "|".join(re.escape(piece) for piece in sorted(unknown, key=len, reverse=True))
    whole = rf"(?<!\w)(?:{either})(?!\w)" if all(piece.isalnum() for piece in unknown) else either
    parts, at = [], 0
    for found in re.finditer(whole, caption, re.IGNORECASE):
        parts += [escape(caption[at : found.start()]), f"<mark>{escape(found[0])}</mark>"]
        at = found.end()
    text = "".join([*parts, escape(caption[at:])])
    told = escape(", ".join(unknown))
    return f'<p class="unknown">{text}<br><small>not in the vocabulary, left out: {told}</small></p>'


def looked(drawn: Drawn, row: int) -> str:
    """One picture with its words below: each, hovered or focused, shows where every stage attended to it.

    Without script: a word holds its maps, which lie over the pictures while it is pointed at.
    """
    if not drawn.attention:
        return ""
    words = drawn.words[row // (len(drawn.images[-1]) // len(drawn.words))]
    picture = to_pillow(drawn.images[-1][row : row + 1])[0].resize((SIDE, SIDE), Image.Resampling.NEAREST)
    stages = [stage[row, : len(words)].float().numpy() for stage in drawn.attention]  # each [L,h,w]
    columns = [overlays(picture, maps) for maps in stages]
    flat = embedded([image for column in columns for image in column], _BUDGET)
    base = embedded([picture], _BUDGET)[0]
    maps = [flat[at : at + len(words)] for at in range(0, len(flat), len(words))]  # of each stage
    figures = "".join(
        f'<figure><img src="{base}" alt="">'
        f"<figcaption>{stage.shape[1]} × {stage.shape[2]}</figcaption></figure>"
        for stage in stages
    )
    spans = "".join(
        f'<span class="word" tabindex="0">{escape(word)}<span class="maps">'
        + "".join(f'<img src="{maps[stage][place]}" alt="">' for stage in range(len(stages)))
        + "</span></span>"
        for place, word in enumerate(words)
    )
    return (
        '<div class="looked"><p class="hint">Point at a word: where each stage looked for it</p>'
        f'<div class="pointed" style="--stages:{len(stages)}"><div class="stages">{figures}</div>'
        f'<p class="words">{spans}</p></div></div>'
    )
