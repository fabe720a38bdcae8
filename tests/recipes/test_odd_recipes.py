"""Recipes: values that no setting takes and numbers without bounds are refused, with the figure."""

from __future__ import annotations

import json
import os
from datetime import date

import pytest

import zoo
from zoo.training.dry_run import check_recipe
from zoo_registry import Recipe, ZooError, catalogue

SMALL = "attngan-aviary"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"train": "x"}, 'train: expected a table, got "x"'),
        ({"train": ["x"]}, "train: expected a table"),
        ({"task": []}, r"task: expected a string, got \[\]"),
        ({"generator": "x"}, "generator: expected a table with 'use'"),
        ({"name": date(2024, 5, 1)}, "name: expected a text, a number or a list, got the date 2024-05-01"),
        ({"train": {"seed": float("inf")}}, "train.seed: expected a finite number, got inf"),
        (
            {"losses": [{"use": "gan", "weight": 10**400}]},
            "weight: expected a whole number of 63 bits, got one of",
        ),
        ({"extends": ["a"]}, "extends: expected the name or the file of a recipe"),
        ({"extends": 5}, "extends: expected the name or the file of a recipe"),
        ({"losses": 5}, "losses: expected a list"),
        ({"train": {"workers": 100_000}}, "train.workers: input should be less than or equal to 1024"),
    ],
)
def test_values_of_odd_types(changed, told):
    with pytest.raises(ZooError, match=told):
        Recipe.read({"extends": SMALL, "name": "x"} | changed, catalogue())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = " + "[" * 900 + "]" * 900, "nested"),
        ("x = " + "[" * 30 + "]" * 30, "nested deeper than 20 times"),
        ("when = 2024-05-01T10:00:00Z", "when: expected a text, a number or a list, got the datetime"),
        ("x = " + "9" * 5000, "cannot be read as a recipe"),
    ],
)
def test_odd_toml(tmp_path, text, told):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(ZooError, match=told):
        Recipe.read(tmp_path / "r.toml", catalogue())


def test_chains_of_recipes(tmp_path):
    for number in range(1200):
        (tmp_path / f"{number}.toml").write_text(f'extends = "{number + 1}.toml"\n')
    with pytest.raises(ZooError, match=r"0\.toml extends more than 20 recipes"):
        Recipe.read(tmp_path / "0.toml", catalogue())


def test_a_pipe_is_no_recipe(tmp_path):
    os.mkfifo(tmp_path / "r.toml")
    with pytest.raises(ZooError, match="it is a pipe or a device"):
        Recipe.read(tmp_path / "r.toml", catalogue())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ending", ["toml", "json"])
def test_recipes_in_other_encodings(tmp_path, encoding, ending):
    text = f'extends = "{SMALL}"\r\nname = "caf\u00e9"\r\n'
    if ending == "json":
        text = json.dumps({"extends": SMALL, "name": "caf\u00e9"}, ensure_ascii=False)
    (tmp_path / f"r.{ending}").write_bytes(text.encode(encoding))
    assert Recipe.read(tmp_path / f"r.{ending}", catalogue()).name == "caf\u00e9"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("generator.base_channels=1000000000", r"generator: its weights, [\d,]+ numbers or more, would take"),
        ("generator.residual_blocks=1000000000", "generator: it"),
        ("generator.weights='#'", "generator.weights: expected FOLDER-OR-REPOSITORY#PART"),
        ("train.batch_size=1000000000", "a batch of 1,000,000,000 images of 64 px would take .* TB"),
        ("train.batch_size=1", "train.batch_size: 1, but the generator normalises over the batch"),
    ],
)
def test_numbers_without_bounds(change, told):
    recipe = Recipe.read(SMALL, catalogue(), [change])
    with pytest.raises(ZooError, match=told):
        zoo.build(recipe, ["a bird"]) if "weights" in change else check_recipe(recipe)


def test_recipes_of_the_zoo_are_within_bounds(monkeypatch):
    monkeypatch.setattr("zoo.bounds.memory", lambda: 1 << 40)
    for name in ("attngan-birds", "gan-cls-birds", "t2f-portraits", "progan", "df-gan-birds", "zoo-best"):
        check_recipe(Recipe.read(name, catalogue()))
