"""Weights of one part in another."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import zoo
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


SMALL = [
    "train.steps=3",
    "train.batch_size=4",
    "train.precision=float32",
    "text_encoder.width=16",
    "text_encoder.word_width=8",
    "conditioning.width=8",
    "generator.width=16",
    "generator.latent_width=16",
    "discriminator.width=16",
    "discriminator.joint_width=16",
    "pretrain.train.steps=1",
    "pretrain.train.batch_size=4",
    "pretrain.train.precision=float32",
    "pretrain.text_encoder.width=16",
    "pretrain.text_encoder.word_width=8",
    "pretrain.image_encoder.width=16",
]


def frozen_layers(folder: Path, part: str) -> dict[str, torch.Tensor]:
    file = next(folder.rglob(f"{part}.safetensors"))
    return {name: tensor for name, tensor in load_file(file).items() if name.startswith("redescriber.")}


def test_a_part_begins_with_that_of_the_recipe_that_runs_first(tmp_path: Path) -> None:
    zoo.train("zoo-best", data="aviary:20", out=tmp_path / "run", changes=SMALL, quiet=True, device="cpu")
    own = [change for change in SMALL if not change.startswith("pretrain.")]
    first = tmp_path / "run/pretrain"
    zoo.train(
        "zoo-best",
        data="aviary:20",
        out=tmp_path / "another",
        changes=[*own, f"pretrain={first}"],
        quiet=True,
        device="cpu",
    )
    before = frozen_layers(first / "model", "image_encoder")
    assert before
    for run in ("run", "another"):
        after = frozen_layers(tmp_path / run / "model", "discriminator")
        assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_a_part_that_the_recipe_before_has_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match=r"a part of zoo-best-match \(text_encoder, image_encoder\), got"):
        zoo.train(
            "zoo-best",
            data="aviary:20",
            out=tmp_path / "run",
            changes=[*SMALL, "discriminator.weights=pretrain#generator"],
            device="cpu",
        )
    assert not (tmp_path / "run").exists()
    with pytest.raises(ZooError, match=r"discriminator.weights: expected a recipe that runs first"):
        Recipe.read("zoo-best", catalogue(), ["pretrain="])


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
