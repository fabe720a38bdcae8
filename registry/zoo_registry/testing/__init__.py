"""Conformance of a part to its contract, for whoever registers one. Needs torch.

from zoo_registry.testing import check_component

def test_my_conditioning() -> None:
    check_component(COMPONENT, width=8)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..component import KINDS, Component
from ..explain import explain, tables
from ..schema import schema_of
from . import extractors, losses, networks, others, tasks
from .shared import CAPTIONS


def check_component(component: Component, **settings: Any) -> None:
    """Check a part against its contract.

    Shapes, range, gradient reach, save and load, determinism, independence of the batch.

    settings: of the part, where its defaults would be too large for a test. Raises AssertionError that says
    what is broken.
    """
    assert component.kind in KINDS, f"{component.kind!r} is no kind; kinds are {', '.join(KINDS)}"
    assert component.summary, "a part has a summary: one line for `zoo list`"
    assert component.load().__doc__, "a part's class has a docstring"
    if component.kind != "protocol":
        _settings_are_described(component)
    checks: dict[str, Callable[[Component, Mapping[str, Any]], None]] = {
        "text_encoder": networks.text_encoder,
        "image_encoder": networks.image_encoder,
        "conditioning": networks.conditioning,
        "generator": networks.generator,
        "discriminator": networks.discriminator,
        "loss": losses.loss,
        "augmentation": losses.augmentation,
        "task": tasks.task,
        "dataset": others.dataset,
        "metric": others.metric,
        "extractor": extractors.extractor,
        "protocol": others.protocol,
        "importer": others.importer,
    }
    checks[component.kind](component, settings)


def _settings_are_described(component: Component) -> None:
    """`zoo show` has a line to say on each setting."""
    settings = schema_of(component).settings
    for model in (settings, *tables(settings)):
        for setting in explain(model):
            assert len(setting.meaning.split()) > 2, (
                f"{setting.name!r} is a setting that the docstring does not describe; expected "
                f"'{setting.name}: …' in a few words, at the start of a line, got {setting.meaning!r}"
            )


__all__ = ["CAPTIONS", "check_component"]
