"""Parts of kind `conditioning`, one per file; listed here."""

from __future__ import annotations

from zoo_registry import Component

COMPONENTS: tuple[Component, ...] = (
    Component(
        kind="conditioning",
        name="augmentation",
        target="zoo_plugins.conditioning.augmentation:ConditioningAugmentation",
        summary="The sentence as a Gaussian from which the code is sampled",
        paper="arXiv:1612.03242",
        gives={"gaussian"},
        needs={"text"},
    ),
    Component(
        kind="conditioning",
        name="projection",
        target="zoo_plugins.conditioning.projection:SentenceProjection",
        summary="The sentence compressed by one linear layer",
        paper="arXiv:1605.05396",
        needs={"text"},
    ),
    Component(
        kind="conditioning",
        name="identity",
        target="zoo_plugins.conditioning.identity:Identity",
        summary="The sentence as it is",
        paper="arXiv:2008.05865",
        needs={"text"},
    ),
)
