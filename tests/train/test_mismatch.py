"""Which image takes which sentence."""

from __future__ import annotations

import pytest
import torch

from zoo_plugins.tasks.mismatch import Mismatch, mismatched, nearest

SENTENCES = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))


def pairs(strategy: Mismatch, labels: list[int] | None = None, seed: int = 0) -> tuple[list[int], list[int]]:
    source = torch.Generator().manual_seed(seed)
    found = mismatched(strategy, 5, None if labels is None else torch.tensor(labels), source, SENTENCES)
    assert found is not None
    return found[0].tolist(), found[1].tolist()


def test_the_next_sentence() -> None:
    assert pairs("roll") == ([0, 1, 2, 3, 4], [1, 2, 3, 4, 0])
    assert pairs("shift") == ([0, 1, 2, 3], [1, 2, 3, 4])


@pytest.mark.parametrize("labels", [None, [0, 0, 1, 1, 2]])
def test_a_shift_by_a_random_distance(labels: list[int] | None) -> None:
    found = {tuple(pairs("permute", labels, seed)[1]) for seed in range(40)}
    assert found == {tuple((row + by) % 5 for row in range(5)) for by in (1, 2, 3, 4)}


def test_any_of_another_class() -> None:
    labels = [0, 0, 1, 1, 1]
    found = [pairs("other-class", labels, seed)[1] for seed in range(60)]
    assert [set(column) for column in zip(*found, strict=True)] == [
        {2, 3, 4},
        {2, 3, 4},
        {0, 1},
        {0, 1},
        {0, 1},
    ]


def test_any_other_where_all_are_of_one_class() -> None:
    found = [pairs("other-class", [3, 3, 3, 3, 3], seed)[1] for seed in range(60)]
    assert [set(column) for column in zip(*found, strict=True)] == [set(range(5)) - {row} for row in range(5)]


def test_a_sentence_of_the_own_class_is_sampled_once_more() -> None:
    labels = [0, 0, 0, 0, 1]
    found = [pairs("retry-once", labels, seed)[1] for seed in range(400)]
    columns = list(zip(*found, strict=True))
    assert [set(column) for column in columns] == [set(range(5)) - {row} for row in range(5)]
    # one in four is of the other class; of the rest, one in four of those sampled again
    for column in columns[:4]:
        assert column.count(4) / len(column) == pytest.approx(1 / 4 + 3 / 4 / 4, abs=0.08)


def test_a_batch_of_one_has_no_other() -> None:
    assert mismatched("roll", 1, None, torch.Generator(), SENTENCES[:1]) is None
    assert mismatched("roll", 2, None, torch.Generator(), SENTENCES[:2]) is not None


def test_the_nearest_other_where_all_are_of_one_class() -> None:
    sentences = torch.tensor([[1.0, 0.0], [1.0, 0.2], [-1.0, 0.0], [-1.0, -0.2]])
    assert nearest(sentences, torch.zeros(4, dtype=torch.long)).tolist() == [1, 0, 3, 2]
