"""Weights of one part in another."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from zoo import weights
from zoo.assemble import assemble
from zoo.pipeline import save
from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import TextSource

CAPTIONS = TextSource(captions=["a red bird with a black beak"])


def test_a_discriminator_begins_with_the_trunk_of_an_image_encoder(tmp_path: Path) -> None:
    trunk = {"width": 16, "wide_until": 8}
    encoder = {"use": "residual", "resolution": 16, **trunk}
    match = Recipe.read(
        {"extends": "damsm-aviary", "image_encoder": encoder, "text_encoder": {"width": 16, "word_width": 8}},
        catalogue(),
    )
    matched = assemble(match, CAPTIONS)
    save(match, matched, tmp_path)
    table = {
        "zoo": 1,
        "name": "begins-with-a-trunk",
        "task": "gan",
        "text_encoder": {"use": "bilstm", "width": 16, "word_width": 8},
        "conditioning": {"use": "projection", "width": 8},
        "generator": {"use": "modulated", "depth": 2, "width": 8, "attention_resolutions": [8]},
        "discriminator": {"use": "contrastive", "weights": f"{tmp_path}#image_encoder", **trunk},
        "losses": [{"use": "bce"}, {"use": "contrastive"}],
    }
    begun = assemble(Recipe.read(table, catalogue()), CAPTIONS).discriminator
    for name, value in matched.image_encoder.trunk.state_dict().items():
        assert torch.equal(begun.trunk.state_dict()[name], value), name


def test_tensors_that_fit_nowhere_are_refused() -> None:
    layer = nn.Linear(2, 3)
    before = layer.weight.clone()
    with pytest.raises(ZooError, match="no tensor has the name and shape"):
        weights.transfer(layer, {"weight": torch.zeros(3, 5), "other": torch.zeros(3)}, "FILE")
    assert torch.equal(layer.weight, before)
