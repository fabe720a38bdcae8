"""Recipes: read, extended, changed, locked, and refused with every problem at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zoo_registry import Recipe, RecipeError, ZooError, catalogue


def read(source: Any, *changes: str) -> Recipe:
    return Recipe.read(source, catalogue(), changes)


def raw(**changes: Any) -> dict[str, Any]:
    return {
        "zoo": 1,
        "name": "mine",
        "task": "gan",
        "text_encoder": {"use": "bilstm"},
        "conditioning": {"use": "augmentation"},
        "generator": {"use": "attention-stages"},
        "discriminator": {"use": "pyramid"},
        "losses": [{"use": "bce"}],
    } | changes


@pytest.mark.parametrize("name", catalogue().recipe_names())
def test_own_recipes_can_be_built_and_locking_is_a_fixed_point(name: str) -> None:
    locked = read(name).locked()
    again = json.loads(json.dumps(locked))
    assert read(again).locked() == locked
    assert "extends" not in locked


def test_locking_fills_in_every_default() -> None:
    locked = read(raw()).locked()
    assert locked["generator"]["resolutions"] == [64, 128, 256]
    assert locked["losses"][0]["weight"] == 1.0
    assert locked["train"]["ema"] == 0.999


def test_attngan_birds_has_the_authors_values() -> None:
    locked = read("attngan-birds").locked()
    assert locked["generator"]["base_channels"] == 32
    assert locked["discriminator"]["base_channels"] == 64
    assert [loss["weight"] for loss in locked["losses"]] == [1.0, 5.0, 1.0]
    assert locked["losses"][1]["gammas"] == [4.0, 5.0, 10.0]
    train = locked["train"]
    assert (train["epochs"], train["batch_size"], train["betas"]) == (600, 20, [0.5, 0.999])
    coco = read("attngan-coco").locked()
    assert (coco["losses"][1]["weight"], coco["generator"]["base_channels"]) == (50.0, 48)
    assert (coco["train"]["epochs"], coco["train"]["batch_size"]) == (120, 14)
    assert coco["pretrain"] == "damsm-coco"
    damsm = read("damsm-birds").locked()["train"]
    assert (damsm["lr"], damsm["lr_decay"], damsm["lr_floor"], damsm["clip"]) == (2e-3, 0.98, 0.1, 0.25)


def test_dm_gan_and_df_gan_have_the_authors_values() -> None:
    birds, coco = read("dm-gan-birds").locked(), read("dm-gan-coco").locked()
    assert [table["generator"]["residual_blocks"] for table in (birds, coco)] == [2, 3]
    assert [table["losses"][1]["weight"] for table in (birds, coco)] == [5.0, 50.0]
    assert [(t["train"]["epochs"], t["train"]["batch_size"]) for t in (birds, coco)] == [(800, 10), (200, 16)]
    assert (birds["generator"]["base_channels"], birds["discriminator"]["base_channels"]) == (64, 32)
    assert birds["discriminator"]["norm"] == "spectral"
    birds, coco = read("df-gan-birds").locked(), read("df-gan-coco").locked()
    assert [table["train"]["epochs"] for table in (birds, coco)] == [1301, 301]
    assert [loss["use"] for loss in birds["losses"]] == ["hinge", "ma-gp"]
    assert (birds["losses"][1]["factor"], birds["losses"][1]["power"]) == (2.0, 6.0)
    train = birds["train"]
    assert (train["generator_lr"], train["discriminator_lr"], train["betas"]) == (1e-4, 4e-4, [0.0, 0.9])
    assert (train["batch_size"], train["mismatch"], train["ema"]) == (32, "roll", 0.0)


def test_all_problems_at_once_each_with_its_place_and_the_nearest_name() -> None:
    bad = raw(
        text_encoder={"use": "bilstm", "widht": 256},
        generator={"use": "attention-stages", "resolutions": "large"},
        losses=[{"use": "bcee"}],
        train={"epochs": 0},
        descriminator={},
    )
    with pytest.raises(RecipeError) as caught:
        read(bad)
    lines = "\n".join(caught.value.problems)
    assert str(caught.value).startswith("mine cannot be built:\n  ")
    assert "text_encoder.widht: no such setting; did you mean 'width'?" in lines
    assert "generator.resolutions: input should be a valid" in lines
    assert "losses[0].use: no loss is called 'bcee'; did you mean 'bce'?" in lines
    assert "train.epochs: input should be greater than 0, got 0" in lines
    assert "descriminator: no such key; did you mean 'discriminator'?" in lines


def test_misfits_are_refused_before_building() -> None:
    with pytest.raises(RecipeError) as caught:
        read(raw(losses=[{"use": "bce"}, {"use": "damsm"}]))
    assert caught.value.problems == (
        "losses[1]: 'damsm' needs regions, which nothing here gives; "
        "image encoders that do: conv, residual, timm",
    )


@pytest.mark.parametrize("resolutions", [[64, 96], [48, 96], [4, 8], []])
def test_resolutions_that_do_not_double(resolutions: list[int]) -> None:
    with pytest.raises(RecipeError, match=r"generator\.resolutions: .*(must be|got)"):
        read(raw(generator={"use": "attention-stages", "resolutions": resolutions}))


def test_a_missing_part_is_named_with_those_that_would_do() -> None:
    table = raw()
    del table["conditioning"]
    told = r"conditioning: missing; with a text encoder, choose one of: .*augmentation"
    with pytest.raises(RecipeError, match=told):
        read(table)


def test_extends_merges_tables_and_replaces_other_parts(tmp_path: Path) -> None:
    (tmp_path / "child.toml").write_text(
        'extends = "attngan-birds"\nname = "child"\n'
        'generator = { base_channels = 8 }\nlosses = [{ use = "bce" }]\n'
    )
    (tmp_path / "grandchild.toml").write_text(
        'extends = "child.toml"\nname = "grandchild"\ntrain = { epochs = 3 }\n'
    )
    locked = read(tmp_path / "grandchild.toml").locked()
    assert locked["generator"]["base_channels"] == 8
    assert locked["generator"]["resolutions"] == [64, 128, 256]
    assert [loss["use"] for loss in locked["losses"]] == ["bce"]
    assert (locked["train"]["epochs"], locked["train"]["batch_size"]) == (3, 20)


def test_a_recipe_that_extends_itself(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('extends = "b.toml"\n')
    (tmp_path / "b.toml").write_text('extends = "a.toml"\n')
    with pytest.raises(ZooError, match="extends itself"):
        read(tmp_path / "a.toml")


def test_changes() -> None:
    recipe = read(
        "attngan-birds", "train.steps=100", "losses.damsm.weight=3", "losses[0].weight=0.5", "name=mine"
    )
    locked = recipe.locked()
    assert recipe.name == "mine"
    assert locked["train"]["steps"] == 100
    assert [loss["weight"] for loss in locked["losses"]] == [0.5, 3.0, 1.0]


def test_changes_leave_the_callers_data_alone() -> None:
    table = raw()
    read(table, "generator.base_channels=8", "losses[0].weight=2")
    assert table == raw()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train.steps", "expected KEY=VALUE"),
        ("losses.damsn.weight=1", "did you mean 'damsm'"),
        ("name.x=1", "is a value, not a table"),
        ("losses.bce=1", "names a whole part"),
    ],
)
def test_changes_that_cannot_be_made(change: str, message: str) -> None:
    with pytest.raises(ZooError, match=message):
        read("attngan-birds", change)


@pytest.mark.parametrize(
    ("content", "message"),
    [("this is = = no toml", "cannot be read as a recipe"), ("zoo = 2\nname = 'x'", "a newer zoo wrote it")],
)
def test_files_that_are_no_recipes(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(content)
    with pytest.raises(ZooError, match=message):
        read(path)


def test_a_name_that_is_no_recipe() -> None:
    with pytest.raises(ZooError, match="no recipe is called 'attngn-birds'; did you mean 'attngan-birds'"):
        read("attngn-birds")
    with pytest.raises(ZooError, match=r"no such recipe file: nowhere\.toml"):
        read("nowhere.toml")


def test_nothing_in_a_recipe_is_a_dotted_path() -> None:
    with pytest.raises(RecipeError, match="no loss is called 'os:system'"):
        read(raw(losses=[{"use": "os:system"}]))
