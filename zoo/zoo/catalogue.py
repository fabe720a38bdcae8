"""The catalogue as Python users see it."""

from __future__ import annotations

from zoo_registry import KINDS, Component, ZooError, catalogue
from zoo_registry.errors import nearest


def components(kind: str | None = None) -> tuple[Component, ...]:
    """The parts that are installed, of one kind or of all."""
    if kind is not None and kind not in KINDS:
        raise ZooError(f"{kind!r} is no kind of part{nearest(kind, KINDS)}")
    return tuple(c for k in KINDS if kind in (None, k) for c in catalogue().of(k))
