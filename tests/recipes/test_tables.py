"""Recipes: the weight of a loss over the steps, what is written down, and mistakes in a part's table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from zoo_registry import Recipe, RecipeError, catalogue


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


def read(**changes: Any) -> Recipe:
    return Recipe.read(raw(**changes), catalogue())


def problems(**changes: Any) -> tuple[str, ...]:
    with pytest.raises(RecipeError) as caught:
        read(**changes)
    return tuple(caught.value.problems)


def test_a_weight_is_linear_between_its_points_and_constant_outside() -> None:
    (loss,) = read(losses=[{"use": "bce", "weight": [[10, 1.0], [20, 3.0], [40, 2.0]]}]).losses
    weights = {step: loss.weight(step) for step in (0, 10, 12, 20, 25, 40, 41, 1000)}
    assert weights == {0: 1.0, 10: 1.0, 12: 1.4, 20: 3.0, 25: 2.75, 40: 2.0, 41: 2.0, 1000: 2.0}
    (loss,) = read(losses=[{"use": "bce", "weight": 0}]).losses
    assert (loss.weight(0), loss.weight(7)) == (0.0, 0.0)


@pytest.mark.parametrize(
    "weight",
    [
        *([], [5], [[0]], [[0, 1, 2]], [[0.5, 1]], [[True, 1]], [[-1, 1]], [[0, -1]], [[0, "a"]]),
        *([[0, 1], [0, 2]], [[5, 1], [2, 2]], -1, True, "much", {"0": 1}),
    ],
)
def test_weights_that_are_none(weight: Any) -> None:
    (told,) = problems(losses=[{"use": "bce", "weight": weight}])
    assert told == (
        "losses[0].weight: expected a number from 0, or [[step, number], …] with rising steps, "
        f"got {json.dumps(weight)}"
    )


def test_what_is_written_down_is_what_was_asked_for_and_no_more() -> None:
    table = raw(
        paper="arXiv:1711.10485",
        pretrain="damsm-birds",
        text_encoder={"use": "bilstm", "weights": "runs/a#text_encoder", "frozen": True},
        losses=[{"use": "bce", "weight": [[0, 1.0], [9, 2.0]]}, {"use": "kl", "weight": 2}],
        augmentations=[{"use": "diffaugment"}],
    )
    locked = Recipe.read(table, catalogue()).locked()
    assert (locked["zoo"], locked["name"], locked["task"]) == (1, "mine", "gan")
    assert (locked["paper"], locked["pretrain"]) == ("arXiv:1711.10485", "damsm-birds")
    assert locked["text_encoder"]["weights"] == "runs/a#text_encoder"
    assert locked["text_encoder"]["frozen"] is True
    assert [loss["weight"] for loss in locked["losses"]] == [[[0, 1.0], [9, 2.0]], 2.0]
    assert [each["use"] for each in locked["augmentations"]] == ["diffaugment"]
    assert Recipe.read(json.loads(json.dumps(locked)), catalogue()).locked() == locked

    plain = Recipe.read(raw(), catalogue()).locked()
    assert plain["paper"] == ""
    assert not {"pretrain", "augmentations"} & plain.keys()
    assert not {"weights", "frozen", "weight"} & plain["generator"].keys()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"zoo": 2}, "zoo: expected format 1, got 2; a newer zoo wrote it"),
        ({"zoo": 0}, "zoo: expected format 1, got 0"),
        ({"zoo": "1"}, "zoo: expected format 1, got '1'"),
        (
            {"generator": {"use": "attention-stages", "weights": 5}},
            'generator.weights: expected "folder-or-repo#part", got 5',
        ),
        (
            {"generator": {"use": "attention-stages", "frozen": "yes"}},
            "generator.frozen: expected true or false, got 'yes'",
        ),
        ({"generator": {"use": "attention-stages", "weight": 2}}, "generator.weight: no such setting"),
        ({"losses": [{"use": "bce", "frozen": True}]}, "losses[0].frozen: no such setting"),
        ({"augmentations": [{"weight": 1}]}, "augmentations[0]: expected a table with 'use'"),
        ({"generator": {"use": 5}}, "generator: expected a table with 'use'"),
    ],
)
def test_a_mistake_is_told_once_with_its_place(changes: dict[str, Any], told: str) -> None:
    (problem,) = problems(**changes)
    assert problem.startswith(told)


def test_every_recipe_has_a_name_a_task_and_a_loss() -> None:
    table = raw()
    del table["name"]
    with pytest.raises(RecipeError) as caught:
        Recipe.read(table, catalogue())
    assert caught.value.problems == ("name: missing; every recipe has one",)
    (told,) = problems(losses=[])
    assert told.startswith("losses: expected a list of at least one; there are: bce, ")
    table = raw()
    del table["task"]
    with pytest.raises(RecipeError) as caught:
        Recipe.read(table, catalogue())
    assert caught.value.problems == ("task: missing; there are: gan, invert, match",)
    (told,) = problems(task="gam")
    assert told == "task: no task is called 'gam'; did you mean 'gan'?"


def test_a_part_that_is_not_known_is_not_missed_elsewhere() -> None:
    """What an unknown image encoder would give to DAMSM is no second problem."""
    (told,) = problems(image_encoder={"use": "timmm"}, losses=[{"use": "bce"}, {"use": "damsm"}])
    assert told.startswith("image_encoder.use: no image encoder is called 'timmm'; did you mean 'timm'?")


def test_another_task_takes_no_settings_of_the_extended_ones_training() -> None:
    child = {"extends": "style-garden", "name": "x", "train": {"steps": 7}}
    assert Recipe.read(child, catalogue()).locked()["train"]["lr"] == 3e-4
    parts = {"discriminator": {"use": "dcgan"}, "losses": [{"use": "bce"}]}
    other = Recipe.read(child | parts | {"task": "gan"}, catalogue()).locked()
    assert (other["train"]["steps"], other["train"]["batch_size"]) == (7, 16)
