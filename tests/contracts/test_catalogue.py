"""Whoever registers a part has tested it: every part of the zoo's own, built small, against its contract."""

from __future__ import annotations

import pytest
from tiny_parts import tiny

from zoo_registry import Component, catalogue
from zoo_registry.testing import check_component


def own() -> list[Component]:
    parts = catalogue()
    found = [c for p in parts.plugins if p.distribution == "t2i-zoo" for c in p.components]
    # readers are checked where there are folders of their layouts: tests/data
    return [c for c in found if c.kind != "dataset" or not c.load().folder_layout]


@pytest.mark.parametrize("component", own(), ids=lambda c: f"{c.kind}/{c.name}")
def test_part_keeps_its_contract(component: Component) -> None:
    check_component(component, **tiny(f"{component.kind}/{component.name}"))
