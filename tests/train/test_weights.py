"""Weights of one part in another."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from zoo.assemble import assemble
from zoo.models import weights
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


def pair() -> nn.ModuleDict:
    return nn.ModuleDict({"trunk": nn.Linear(2, 3), "head": nn.Linear(3, 1)})


def test_a_layer_is_taken_over_whole_or_not_at_all() -> None:
    module, before = pair(), pair().state_dict()
    own = {name: value.clone() for name, value in module.state_dict().items()}
    given = before | {"head.weight": torch.zeros(1, 5)}  # its bias would fit
    weights.transfer(module, given, "FILE")
    after = module.state_dict()
    assert all(torch.equal(after[name], given[name]) for name in ("trunk.weight", "trunk.bias"))
    assert all(torch.equal(after[name], own[name]) for name in ("head.weight", "head.bias"))


def test_layers_that_fit_nowhere_are_refused() -> None:
    module = pair()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    given = {"trunk.weight": torch.zeros(3, 5), "trunk.bias": torch.zeros(3), "other.bias": torch.zeros(1)}
    with pytest.raises(ZooError, match=r"FILE: none of its layers \(other, trunk\) has the names and shapes"):
        weights.transfer(module, given, "FILE")
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
