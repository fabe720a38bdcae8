"""The recipes of the models that come with the zoo."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.judge import ship as ship_judge
from benchmarks.ship import MODELS, RECIPES, generating, record
from zoo.files.model import Config, Model
from zoo.files.run import Grid, Line, Run
from zoo_plugins.datasets.procedural.dataset import ProceduralDataset
from zoo_registry import Recipe, catalogue


@pytest.mark.parametrize("name", MODELS)
def test_each_stage_takes_over_from_the_one_before(name: str) -> None:
    stages = [Recipe.read(RECIPES / f"{stage}.toml", catalogue()) for stage in MODELS[name].stages]
    for before, after in pairwise(stages):
        assert after.pretrain is not None
        shared = (set(before.parts) & set(after.parts)) - {"discriminator"}
        assert "text_encoder" in shared
        for kind in shared:
            assert before.parts[kind].component == after.parts[kind].component
            assert before.parts[kind].settings == after.parts[kind].settings, f"{kind} of {after.name}"
        for place, part in after.parts.items():  # such as the discriminator of the aviary
            if part.weights is not None:
                folder, taken = part.origin(place) or ("", "")
                assert folder == "pretrain"
                assert taken in before.parts


def test_every_recipe_belongs_to_a_model() -> None:
    named = {stage for model in MODELS.values() for stage in model.stages}
    assert {path.stem for path in RECIPES.glob("*.toml")} == named


def test_a_model_records_all_its_stages(tmp_path: Path) -> None:
    for name, step, seconds in (("words", 10, 3600), ("generating", 20, 7200), ("style", 30, 1800)):
        (tmp_path / name / "samples").mkdir(parents=True)
        recipe = {"name": name, "task": "gan", "train": {}}
        (tmp_path / name / "recipe.json").write_text(json.dumps(recipe))
        Run(tmp_path / name).append_log(Line(step=step, seconds=seconds))
    samples = tmp_path / "generating/samples"
    for step in (10, 20):
        (samples / f"step_{step:08}.png").write_text(str(step))
    Run(tmp_path / "generating").write_grid(Grid(captions=["a red flower"], images=1, seed=0, resolution=64))
    (tmp_path / "model").mkdir()
    Model(tmp_path / "model").write_config(
        Config(format=1, recipe={}, made_with={}, about={"data": "garden"})
    )
    stages = [Run(tmp_path / name) for name in ("words", "generating", "style")]
    assert generating(stages) is stages[1], "its evaluations are the model's learning curve"
    record(tmp_path / "model", stages)
    assert json.loads((tmp_path / "model/config.json").read_text())["about"] == {
        "data": "garden",
        "stages": {"words": 10, "generating": 20, "style": 30},
        "hours": 3.5,
        "captions": ["a red flower"],
    }
    assert (tmp_path / "model/samples.png").read_text() == "20", "the newest grid of any stage"


def test_a_judge_ships_in_the_place_of_the_one_of_its_resolution(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def judge(folder: Path, name: str, resolution: int, sha256: str) -> None:
        folder.mkdir(parents=True)
        (folder / "judge.json").write_text(
            json.dumps({"source": name, "resolution": resolution, "sha256": sha256})
        )

    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    monkeypatch.setattr(ProceduralDataset, "judges", tmp_path / "shipped")
    for folder, name, resolution in (("old", "aviary", 64), ("small", "aviary", 16), ("other", "garden", 64)):
        judge(tmp_path / "shipped" / folder, name, resolution, folder.ljust(64, "0"))
    ship_judge("aviary", 64, "judge-" + "old".ljust(16, "0"))
    assert (tmp_path / "shipped/old").is_dir(), "it comes with the set, and is in no cache"
    judge(tmp_path / "judges/new", "aviary", 64, "a" * 64)
    judge(tmp_path / "judges/unasked", "aviary", 64, "b" * 64)
    ship_judge("aviary", 64, f"judge-{'a' * 16}")
    assert {folder.name for folder in (tmp_path / "shipped").iterdir()} == {"new", "small", "other"}
    assert (tmp_path / "judges/new").is_dir()
