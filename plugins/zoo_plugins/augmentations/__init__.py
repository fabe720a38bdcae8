"""Parts of kind `augmentation`, one per file; listed here."""

from __future__ import annotations

from zoo_registry import Component

COMPONENTS: tuple[Component, ...] = (
    Component(
        kind="augmentation",
        name="diffaugment",
        target="zoo_plugins.augmentations.diffaugment:DiffAugment",
        summary="Colour shift, translation and cutout of every image",
        paper="arXiv:2006.10738",
    ),
    Component(
        kind="augmentation",
        name="ada",
        target="zoo_plugins.augmentations.ada:AdaptiveAugmentation",
        summary="Moves, geometry and colour, as often as keeps the discriminator from overfitting",
        paper="arXiv:2006.06676",
    ),
)
