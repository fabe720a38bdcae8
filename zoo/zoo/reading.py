"""Captions to what a generator receives, whether a recipe has text or not.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zoo_registry.contracts import Condition, Text, Tokens

from .assemble import Parts


def read(parts: Parts, captions: Sequence[str], device: torch.device) -> Text:
    """The captions as the recipe's text encoder reads them; sentences [B,0] where it has none."""
    if "text_encoder" not in parts:
        return Text(torch.zeros(len(captions), 0, device=device))
    return encode(parts, parts.text_encoder.tokenize(captions), device)


def encode(parts: Parts, tokens: Tokens, device: torch.device) -> Text:
    """What the text encoder reads in some tokens."""
    text: Text = parts.text_encoder(Tokens(*(t.to(device) for t in tokens)))
    return text


def condition_of(parts: Parts, text: Text, noise: Tensor) -> Condition:
    """The generator's condition; a code [B,0] where the recipe has no text. `noise` is [B,C]."""
    if "conditioning" not in parts:
        return Condition(noise)
    condition: Condition = parts.conditioning(text.sentence, noise=noise)
    return condition
