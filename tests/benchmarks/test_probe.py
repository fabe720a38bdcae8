"""What sentence vectors tell."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmarks import probe


def test_what_the_vectors_hold_is_read_and_what_they_lack_is_not() -> None:
    source = torch.Generator().manual_seed(0)
    colours = ["red", "blue", "grey"]

    def split(count: int) -> tuple[Tensor, list[probe.Stated]]:
        numbers = torch.randint(3, (count, 2), generator=source)
        captions = [("", {"body": colours[body], "beak": colours[beak]}) for body, beak in numbers.tolist()]
        return torch.eye(3)[numbers[:, 0]], captions

    train, test = split(600), split(300)
    assert probe.read("body", train, test) == 1
    assert probe.read("beak", train, test) < 0.5, "chance is a third"


def test_the_shipped_encoder_tells_the_bodys_colour() -> None:
    scores = probe.probe("aviary", "aviary:300,mixed")
    assert scores["body"] > 0.9
    assert scores["mean"] == pytest.approx(
        sum(v for k, v in scores.items() if k != "mean") / (len(scores) - 1), abs=1e-3
    )
