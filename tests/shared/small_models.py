"""Small pipelines with fresh weights: what is generated is noise, but it depends on caption and noise."""

from __future__ import annotations

import torch
from tiny import TINY_CHANGES

import zoo
from zoo import Pipeline
from zoo_registry import Recipe, catalogue

CAPTIONS = (
    "a small red bird with black wings",
    "a big blue bird with a long yellow beak",
    "green white",
)
STYLE = (
    "text_encoder.width=16",
    "text_encoder.channels=[8, 8, 8]",
    "conditioning.width=8",
    "generator.resolution=16",
    "generator.base_channels=8",
    "generator.noise_width=4",
    "style_encoder.base_channels=8",
)


def built(name: str, changes: tuple[str, ...]) -> Pipeline:
    recipe = Recipe.read(name, catalogue(), changes)
    parts = zoo.build(recipe, CAPTIONS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for place in ("text_encoder", "conditioning", "generator"):
            for parameter in parts.modules[place].parameters():
                if parameter.dim() > 1:  # fresh weights hardly let the text through
                    torch.nn.init.normal_(parameter, std=0.2)
    return Pipeline(recipe, parts)


def attending() -> Pipeline:
    """Attends to words, samples its code from a Gaussian, 16 and 32 px."""
    return built("attngan-aviary", tuple(c for c in TINY_CHANGES if not c.startswith("pretrain")))


def styled() -> Pipeline:
    """Has a style encoder; 16 px."""
    return built("style-garden", STYLE)


def wordless() -> Pipeline:
    """Reads no text."""
    recipe = Recipe.read(
        "progan-aviary",
        catalogue(),
        ["generator.depth=3", "generator.width=16", "generator.latent_width=32", "discriminator.width=16"],
    )
    return Pipeline(recipe, zoo.build(recipe))
