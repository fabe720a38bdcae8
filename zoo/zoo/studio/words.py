"""HTML of the page: captions with unknown words marked, and images that show where a stage looked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from PIL import Image

from ..imaging.figures import overlays
from ..imaging.images import Samples, to_pillow
from ..report.embed import embedded

SIZE = 192
"""Pixels that a stage's image is embedded at."""
_BUDGET = 1_500_000  # bytes of all maps of one image


def marked(caption: str, unknown: Sequence[str]) -> str:
    """The caption with the pieces that do not reach the image marked; "" where all do."""
    if not unknown:
        return ""
    either = "|".join(re.escape(piece) for piece in sorted(unknown, key=len, reverse=True))
    whole = rf"(?<!\w)(?:{either})(?!\w)" if all(piece.isalnum() for piece in unknown) else either
    parts, at = [], 0
    for found in re.finditer(whole, caption, re.IGNORECASE):
        parts += [escape(caption[at : found.start()]), f"<mark>{escape(found[0])}</mark>"]
        at = found.end()
    text = "".join([*parts, escape(caption[at:])])
    left_out = escape(", ".join(unknown))
    return f'<p class="unknown">{text}<br><small>not in the vocabulary, left out: {left_out}</small></p>'


def looked(samples: Samples, row: int) -> str:
    """One image with its words below: each, hovered or focused, shows where every stage attended to it.

    Without script: a word holds its maps, which lie over the images while it is pointed at.
    """
    if not samples.attention:
        return ""
    words = samples.words[row // (len(samples.images[-1]) // len(samples.words))]
    base = to_pillow(samples.images[-1][row : row + 1])[0].resize((SIZE, SIZE), Image.Resampling.NEAREST)
    stages = [stage[row, : len(words)].float().numpy() for stage in samples.attention]  # each [L,h,w]
    columns = [overlays(base, maps) for maps in stages]
    flat = embedded([image for column in columns for image in column], _BUDGET)
    source = embedded([base], _BUDGET)[0]
    maps = [flat[at : at + len(words)] for at in range(0, len(flat), len(words))]  # of each stage
    figures = "".join(
        f'<figure><img src="{source}" alt="">'
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
