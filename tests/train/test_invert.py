"""Three stages in one run: matching, the GAN, and the style encoder that reads its noise back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from runs import KillAt, Killed
from safetensors.torch import load_file

import zoo
from zoo import ZooError
from zoo.training import trainer
from zoo_registry import catalogue

TEXT = ("text_encoder.width=16", "text_encoder.channels=[8, 8, 8]")
GENERATING = (
    "conditioning.width=8",
    "generator.resolution=16",
    "generator.base_channels=8",
    "generator.noise_width=4",
)
SHORT = ("train.batch_size=4", "train.log_every=1", "train.checkpoint_every=1")
GAN = (*TEXT, *GENERATING, "discriminator.base_channels=8", *SHORT, "train.steps=2", "train.sample_every=2")
MATCH = (
    *TEXT,
    "image_encoder.width=16",
    "image_encoder.resolution=32",
    "train.resolution=32",
    *SHORT,
    "train.steps=2",
    "train.validate_every=2",
    "train.held_out=8",
)
CHANGES = [
    *TEXT,
    *GENERATING,
    *SHORT,
    "style_encoder.base_channels=8",
    "train.steps=3",
    "train.validate_every=1",
    "train.held_out=8",
    *(f"pretrain.{change}" for change in GAN),
    *(f"pretrain.pretrain.{change}" for change in MATCH),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "style"
    return zoo.train("style-garden", "garden:60", out, changes=CHANGES, device="cpu", quiet=True)


def test_every_stage_takes_over_what_the_one_before_learnt(run: Path) -> None:
    first = run / "pretrain/pretrain"
    assert json.loads((first / "recipe.json").read_text())["name"] == "char-cnn-rnn-garden"
    for one, two, part in (
        (first, run / "pretrain", "text_encoder"),
        (run / "pretrain", run, "text_encoder"),
        (run / "pretrain", run, "generator"),
        (run / "pretrain", run, "conditioning"),
    ):
        before, after = (load_file(folder / f"model/{part}.safetensors") for folder in (one, two))
        assert all(torch.equal(tensor, after[name]) for name, tensor in before.items()), part


def test_the_model_generates_and_holds_its_style_encoder(run: Path) -> None:
    assert zoo.load(run)("a red flower")[0].size == (16, 16)
    assert (run / "model/training/style_encoder.safetensors").is_file()
    metrics = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    errors = [line["metrics"]["inversion/error"] for line in metrics if "metrics" in line]
    assert len(errors) == 3
    assert errors[-1] < errors[0]


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_killed_in_each_stage_and_resumed(run: Path, tmp_path: Path, steps: int) -> None:
    again = tmp_path / "run"
    killer = KillAt(steps)
    catalogue().manager.register(killer)
    try:
        with pytest.raises(Killed):
            zoo.train("style-garden", "garden:60", again, changes=CHANGES, device="cpu", quiet=True)
    finally:
        catalogue().manager.unregister(killer)
    trainer.resume(again, device="cpu", quiet=True)
    file = "model/training/style_encoder.safetensors"
    whole, resumed = load_file(run / file), load_file(again / file)
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())


def test_a_trained_run_stands_for_the_stages_before(run: Path, tmp_path: Path) -> None:
    own = [change for change in CHANGES if not change.startswith("pretrain.")]
    again = zoo.train(
        "style-garden",
        "garden:60",
        tmp_path / "run",
        changes=[*own, f"pretrain={run / 'pretrain'}"],
        device="cpu",
        quiet=True,
    )
    assert not (again / "pretrain").exists()
    file = "model/training/style_encoder.safetensors"
    assert all(
        torch.equal(tensor, load_file(again / file)[name]) for name, tensor in load_file(run / file).items()
    )


def test_a_change_of_a_stage_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match="char-cnn-rnn-garden runs no other recipe first"):
        zoo.train(
            "style-garden",
            "garden:60",
            tmp_path / "run",
            changes=["pretrain.pretrain.pretrain.train.steps=1"],
            quiet=True,
        )
