"""Batches of one image of each of several classes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from zoo_plugins.tasks.classes import OneOfEachClass
from zoo_registry import ZooError
from zoo_registry.contracts import Segment

LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 2, 3])
SEGMENT = Segment(16, 0, 9, 3, 4, 0)


def seeded(*key: Any) -> torch.Generator:
    return torch.Generator().manual_seed(key[0])


def batch(step: int, size: int) -> list[int]:
    return OneOfEachClass().indices(step, SEGMENT, size, len(LABELS), LABELS, seeded).tolist()


def test_every_image_is_of_another_class() -> None:
    for step in range(50):
        chosen = batch(step, 3)
        assert len(chosen) == 3
        assert len(set(LABELS[chosen].tolist())) == 3
    assert {tuple(sorted(LABELS[batch(step, 4)].tolist())) for step in range(9)} == {(0, 1, 2, 3)}


def test_every_image_has_its_turn() -> None:
    assert {image for step in range(200) for image in batch(step, 3)} == set(range(8))
    assert batch(5, 3) == batch(5, 3)


def test_an_epoch_has_as_many_steps_as_classes_and_a_batch_no_more() -> None:
    assert OneOfEachClass().epoch(images=80, classes=6, batch_size=3, batches=2) == 6
    assert OneOfEachClass().epoch(images=80, classes=1, batch_size=1, batches=1) == 1
    with pytest.raises(ZooError, match="6 classes, and there are 5"):
        OneOfEachClass().epoch(images=80, classes=5, batch_size=3, batches=2)
    with pytest.raises(ZooError, match="class"):
        OneOfEachClass().epoch(images=80, classes=0, batch_size=3, batches=1)
