"""Whoever registers a part has tested it: every part of the zoo's own, built small, against its contract."""

from __future__ import annotations

from typing import Any

import pytest

from zoo_registry import Component, catalogue
from zoo_registry.testing import check_component

TINY: dict[str, dict[str, Any]] = {
    "text_encoder/bilstm": {"width": 16, "word_width": 8},
    "image_encoder/timm": {"model": "test_resnet", "pretrained": False, "trunk": "tuned", "side": 64},
    "conditioning/augmentation": {"width": 8},
    "generator/attention-stages": {"sides": [16, 32], "base_channels": 8, "noise_width": 8},
    "discriminator/pyramid": {"base_channels": 8},
}


def own() -> list[Component]:
    parts = catalogue()
    return [c for p in parts.plugins if p.distribution == "t2i-zoo" for c in p.components]


@pytest.mark.parametrize("component", own(), ids=lambda c: f"{c.kind}/{c.name}")
def test_part_keeps_its_contract(component: Component) -> None:
    check_component(component, **TINY.get(f"{component.kind}/{component.name}", {}))
