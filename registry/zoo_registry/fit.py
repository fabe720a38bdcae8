"""Whether the parts of a recipe give what the others, and the settings of training, need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .component import Component
from .registry import Catalogue

if TYPE_CHECKING:
    from .recipe import Choice

_GIVING = ("text_encoder", "image_encoder", "conditioning", "generator", "discriminator")
"""Kinds of parts that others rely on."""


def misfits(chosen: Mapping[str, Choice], settings: Mapping[str, str], catalogue: Catalogue) -> Iterable[str]:
    """Needs that no chosen part gives, each with the parts that would.

    chosen: by place. settings: what those of training need.
    """
    given = {gift for place, choice in chosen.items() if place != "style_encoder" for gift in choice.gives}
    needs = [
        (f"{place}: {choice.component.name!r}", need)
        for place, choice in chosen.items()
        for need in sorted(choice.component.needs)
    ]
    needs += [(f"train.{setting}:", need) for setting, need in settings.items()]
    for what, need in needs:
        if need in given:
            continue
        givers = [c for kind in _GIVING for c in catalogue.of(kind) if need in c.gives]
        kinds = sorted({c.kind for c in givers})
        without = [
            f"{chosen[kind].component.name!r}{_switch(chosen[kind].component, need)}"
            for kind in kinds
            if kind in chosen
        ]
        lack = f"which {' and '.join(without)} does not give" if without else "which nothing here gives"
        candidates = "; ".join(
            f"{k.replace('_', ' ')}s that do: {names(c for c in givers if c.kind == k)}" for k in kinds
        )
        yield f"{what} needs {need}, {lack}{'; ' + candidates if candidates else ''}"


def _switch(component: Component, need: str) -> str:
    """How a part that is there would give what it does not: by a setting."""
    setting = component.given_if.get(need)
    return "" if setting is None else f" without {setting} = true"


def names(components: Iterable[Component]) -> str:
    """The names of some parts, for a message."""
    return ", ".join(component.name for component in components)
