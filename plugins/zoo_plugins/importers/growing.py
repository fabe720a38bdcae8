"""What the importers of growing networks share: sizes off the tensors, and where layers are."""

from __future__ import annotations

import re

from .tables import State, count, shape


def widths_of(state: State, name: str, axis: int, system: str, part: str) -> list[int]:
    """Sizes along an axis of the tensors called `name` with a number in place of {}, by number from 0."""
    depth = count(state, re.escape(name).replace(r"\{\}", r"(\d+)"))
    return [shape(state, name.format(index), system, part)[axis] for index in range(max(depth, 1))]


def wide_until(widths: list[int]) -> int:
    """The largest resolution with as many channels as 4x4; `widths` are those of 4x4, 8x8 and so on."""
    return 4 << (widths.count(widths[0]) - 1)


def drawing_layer(level: int, layer: int, what: str) -> str:
    """Our name of a generator's first or second convolution at a level; level 0 is 4x4."""
    second = 3 if level else 2  # the first block's first layer is not normalised
    return f"blocks.{4 << level}.{0 if layer == 1 else second}.{what}"


def judging_layer(level: int, layer: int, what: str) -> str:
    """Our name of a discriminator's first or second convolution at a level; level 1 is 8x8."""
    return f"blocks.{4 << level}.{2 * layer - 2}.{what}"
