"""Parts of kind `task`, one per file; listed here."""

from __future__ import annotations

from zoo_registry import Component

COMPONENTS: tuple[Component, ...] = (
    Component(
        kind="task",
        name="gan",
        target="zoo_plugins.tasks.gan:Adversarial",
        summary="Adversarial training",
        paper="arXiv:1406.2661",
    ),
    Component(
        kind="task",
        name="match",
        target="zoo_plugins.tasks.match:Matching",
        summary="Matching of text and images",
        paper="arXiv:1711.10485",
    ),
    Component(
        kind="task",
        name="invert",
        target="zoo_plugins.tasks.invert:Inverting",
        summary="Noise read back from generated images",
        paper="arXiv:1605.05396",
    ),
)
