"""Free attribute combinations for training: what every procedural set offers beside its classes."""

from __future__ import annotations

from typing import Any

import pytest

from zoo_registry import catalogue
from zoo_registry.contracts import DataSource
from zoo_registry.errors import ZooError

SETS = ("aviary", "garden", "portraits")


def dataset(name: str, argument: str) -> Any:
    return catalogue().get("dataset", name).load()(DataSource(argument, resolution=32))


@pytest.mark.parametrize("name", SETS)
def test_the_test_split_is_the_same_with_and_without(name: str) -> None:
    plain, mixed = (dataset(name, argument).records("test") for argument in ("300", "300,mixed"))
    assert [(r.name, r.captions, r.attributes, r.label) for r in plain] == [
        (r.name, r.captions, r.attributes, r.label) for r in mixed
    ]


@pytest.mark.parametrize("name", SETS)
def test_every_training_image_is_a_class_of_its_own_with_free_attributes(name: str) -> None:
    plain, mixed = (dataset(name, argument).records("train") for argument in ("600", "600,mixed"))
    assert len({record.label for record in mixed}) == len(mixed) == len(plain)
    tested = [vars(kind) for kind in dataset(name, "600").classes("test")]
    own = [field for field in tested[0] if field != "name"]
    combinations = {tuple(str(record.attributes.get(field)) for field in own) for record in mixed}
    assert len(combinations) > 0.9 * len(mixed), "plain sets have as many as classes"
    of_tests = {tuple(str(kind[field]) for field in own) for kind in tested}
    assert not combinations & of_tests


@pytest.mark.parametrize("name", SETS)
def test_a_larger_mixed_set_begins_with_the_smaller_one(name: str) -> None:
    small, large = (dataset(name, argument).records("train") for argument in ("40,mixed", "90,mixed"))
    assert [(r.captions, r.attributes) for r in small] == [
        (r.captions, r.attributes) for r in large[: len(small)]
    ]


def test_fingerprints_tell_mixed_sets_from_plain_ones() -> None:
    assert dataset("aviary", "40").fingerprint() != dataset("aviary", "40,mixed").fingerprint()
    assert dataset("aviary", "mixed").fingerprint() == dataset("aviary", "6000,mixed").fingerprint()


@pytest.mark.parametrize(
    "argument", ["40,mix", ",mixed", "0,mixed", "40mixed", "40mixed,", "mixed,40", "40,,mixed"]
)
def test_other_arguments_are_refused_with_examples(argument: str) -> None:
    with pytest.raises(ZooError, match=r"expected a number of images.*'aviary:500,mixed'"):
        dataset("aviary", argument)


@pytest.mark.parametrize("digits", [8, 5000])
def test_too_many_images_are_refused(digits: int) -> None:
    with pytest.raises(ZooError, match="expected 10,000,000 images or fewer"):
        dataset("aviary", "9" * digits + ",mixed")


@pytest.mark.parametrize("name", SETS)
def test_attributes_of_a_test_class_are_sampled_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = dataset(name, "10,mixed")
    tested, free = data.classes("test")[0], type(data).mixed
    answers = iter([True, True, False])  # twice those of a test class
    monkeypatch.setattr(
        type(data), "mixed", lambda self, rng: tested if next(answers, False) else free(self, rng)
    )
    assert data._free_kind(0) != tested
    assert not next(answers, False), "it was sampled again each time"
