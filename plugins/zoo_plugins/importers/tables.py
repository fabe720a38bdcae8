"""Reading old state dicts: sizes off the tensors, old names to ours by a table of patterns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from torch import Tensor

from zoo_registry.errors import ZooError

State = Mapping[str, Tensor]
Table = Mapping[str, str | Callable[[re.Match[str]], str]]
"""Pattern of an old name (of the whole of it): template or function of ours."""


def shape(state: State, name: str, system: str, part: str) -> tuple[int, ...]:
    """The shape of a tensor that every such file holds; ZooError where it is not there."""
    if name not in state:
        found = ", ".join(list(state)[:3]) or "nothing"
        article = "an" if system[0] in "AEIOU" else "a"
        raise ZooError(
            f"not the weights of {article} {system} {part}: they would hold {name!r}; "
            f"these begin with {found}"
        )
    return tuple(state[name].shape)


def count(state: State, pattern: str) -> int:
    """How many different numbers stand in the names that match."""
    return len({match[1] for name in state if (match := re.fullmatch(pattern, name))})


def rename(state: State, table: Table, system: str, part: str) -> dict[str, Tensor]:
    """The tensors under our names; ZooError if there are any that the table has no place for."""
    renamed, unknown = {}, []
    for name, tensor in state.items():
        for pattern, ours in table.items():
            if match := re.fullmatch(pattern, name):
                renamed[match.expand(ours) if isinstance(ours, str) else ours(match)] = tensor
                break
        else:
            unknown.append(name)
    if unknown:
        article = "an" if system[0] in "AEIOU" else "a"
        raise ZooError(f"{article} {system} {part} has no place for these weights: {', '.join(unknown)}")
    return renamed
