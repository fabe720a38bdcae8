"""Parts of kind `extractor`, one per file; listed here."""

from __future__ import annotations

from zoo_registry import Component

COMPONENTS: tuple[Component, ...] = (
    Component(
        kind="extractor",
        name="inception",
        target="zoo_plugins.extractors.inception:Inception",
        summary="FID's Inception v3, by torch-fidelity",
        paper="arXiv:1706.08500",
        gives={"logits"},
    ),
    Component(
        kind="extractor",
        name="timm",
        target="zoo_plugins.extractors.timm_model:TimmExtractor",
        summary="Any network of timm, named after a colon, with its published weights",
        gives={"logits"},
    ),
    Component(
        kind="extractor",
        name="judge",
        target="zoo_plugins.extractors.judge:Judge",
        summary="A small network that reads the attributes of a data set's images back",
        gives={"attributes"},
    ),
    Component(
        kind="extractor",
        name="own",
        target="zoo_plugins.extractors.matchers:Own",
        summary="The encoders that the pipeline was trained with",
        gives={"captions"},
    ),
    Component(
        kind="extractor",
        name="matcher",
        target="zoo_plugins.extractors.matchers:Matcher",
        summary="The text and image encoder of a model, whose folder stands after a colon",
        gives={"captions"},
    ),
)
