"""The recipes of the models that come with the zoo."""

from __future__ import annotations

from itertools import pairwise

import pytest

from benchmarks.ship import MODELS, RECIPES
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


def test_every_recipe_belongs_to_a_model() -> None:
    named = {stage for model in MODELS.values() for stage in model.stages}
    assert {path.stem for path in RECIPES.glob("*.toml")} == named
