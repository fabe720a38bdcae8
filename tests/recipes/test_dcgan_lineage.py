"""Recipes from GAN-CLS to AttnGAN++: the authors' values, and what each has that its parent has not."""

from __future__ import annotations

from typing import Any

import pytest

from zoo_registry import Recipe, catalogue


def locked(name: str, *changes: str) -> dict[str, Any]:
    return Recipe.read(name, catalogue(), changes).locked()


@pytest.mark.parametrize("data", ["birds", "flowers"])
def test_gan_cls_and_its_interpolations(data: str) -> None:
    cls, both, only = (locked(f"{name}-{data}") for name in ("gan-cls", "gan-int-cls", "gan-int"))
    train = cls["train"]
    assert (train["epochs"], train["batch_size"], train["betas"]) == (600, 64, [0.5, 0.999])
    assert (train["generator_lr"], train["lr_decay"], train["lr_decay_epochs"]) == (2e-4, 0.5, 100)
    assert (cls["generator"]["noise_width"], cls["conditioning"]["width"]) == (100, 128)
    assert cls["text_encoder"]["width"] == 1024
    assert [r["train"]["interpolate"] for r in (cls, both, only)] == [None, 0.5, 0.5]
    assert [r["losses"][0]["mismatched"] for r in (cls, both, only)] == [True, True, False]
    assert {r["pretrain"] for r in (cls, both, only)} == {f"char-cnn-rnn-{data}"}


def test_stackgan2() -> None:
    recipe = locked("stackgan2-birds")
    assert recipe["train"]["reads"] == locked("stackgan2-aviary")["train"]["reads"] == "mean"
    assert [loss["weight"] for loss in recipe["losses"]] == [1.0, 2.0]
    assert (recipe["losses"][0]["balance"], recipe["losses"][0]["mismatched_is_real"]) == ("sum", True)
    assert (recipe["conditioning"]["width"], recipe["generator"]["base_channels"]) == (128, 64)
    assert (recipe["train"]["epochs"], recipe["train"]["batch_size"]) == (600, 24)
    assert recipe["train"]["ema_overwrites"] is None
    without_text = locked("stackgan2-bedrooms")
    assert "text_encoder" not in without_text
    assert {loss["use"]: loss["weight"] for loss in without_text["losses"]}["colour-consistency"] == 50.0


def test_the_attngans() -> None:
    assert locked("attngan1-birds")["generator"]["resolutions"] == [64, 128]
    ablation = locked("attngan1-birds", "losses.damsm.weight=0.1")
    assert [loss["weight"] for loss in ablation["losses"]] == [1.0, 0.1, 1.0]
    for data, widths in (("birds", (32, 64)), ("coco", (48, 96))):
        recipe = locked(f"attndcgan-{data}")
        assert (recipe["generator"]["images"], recipe["generator"]["residual_blocks"]) == ("largest", 0)
        assert not recipe["discriminator"]["unconditional"]
        assert (recipe["generator"]["base_channels"], recipe["discriminator"]["base_channels"]) == widths
        assert [loss["weight"] for loss in recipe["losses"]] == [1.0, 1.0, 1.0]
        assert (recipe["train"]["epochs"], recipe["train"]["batch_size"]) == (400, 30)
    plus = locked("attngan-plus-birds")
    assert plus["discriminator"]["norm"] == "spectral"
    assert (plus["generator"]["base_channels"], plus["discriminator"]["base_channels"]) == (64, 32)


@pytest.mark.parametrize(
    "name",
    [
        "gan-cls-birds",
        "gan-cls-flowers",
        "gan-cls-garden",
        "stackgan2-birds",
        "stackgan2-aviary",
        "style-garden",
    ],
)
def test_what_runs_first_trains_the_parts_that_are_taken_over(name: str) -> None:
    recipe = locked(name)
    before = locked(recipe["pretrain"])
    taken = [kind for kind in ("text_encoder", "conditioning", "generator") if kind in before]
    assert taken
    for kind in taken:
        assert {**before[kind], "frozen": None} == {**recipe[kind], "frozen": None}, kind
