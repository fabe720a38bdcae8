"""Repeats that take turns, and what they come to."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

PLAIN = "plain port"


@dataclass(frozen=True)
class Setting:
    """device: where tensors are. quick: sizes and repeats that only show that everything runs."""

    device: torch.device
    quick: bool = False

    def repeats(self, full: int) -> int:
        """How often each variant is timed; what takes seconds on a CPU is short on a GPU."""
        return 2 if self.quick else full * (5 if self.device.type == "cuda" else 1)


@dataclass(frozen=True)
class Row:
    """One variant. images: of one repeat, where its speed is in images. ratio: how many times as fast as
    the plain port, by the medians; None where there is no plain port.
    """

    what: str
    median: float  # seconds, as are the next two
    min: float
    max: float
    repeats: int
    images: int | None = None
    ratio: float | None = None


@dataclass(frozen=True)
class Measurement:
    """The rows of one benchmark. facts: what else was found while it ran."""

    title: str
    rows: tuple[Row, ...]
    facts: Mapping[str, Any]

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def alternate(
    variants: Mapping[str, Callable[[], object]], setting: Setting, *, repeats: int, warmups: int = 1
) -> dict[str, list[float]]:
    """Seconds of each variant. They take turns (A B C A B C …): a slow minute is everyone's."""
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(warmups + setting.repeats(repeats)):
        for name, variant in variants.items():
            took = timed(variant, setting)
            if turn >= warmups:
                seconds[name].append(took)
    return seconds


def timed(work: Callable[[], object], setting: Setting) -> float:
    """Wall seconds of one call, kernels that it launched included."""
    finish(setting)
    start = time.perf_counter()
    work()
    finish(setting)
    return time.perf_counter() - start


def rows(seconds: Mapping[str, list[float]], images: int | None = None) -> tuple[Row, ...]:
    """One row a variant; ratios where one of them is the plain port."""
    plain = statistics.median(seconds[PLAIN]) if PLAIN in seconds else None
    return tuple(
        Row(
            what,
            median := statistics.median(each),
            min(each),
            max(each),
            len(each),
            images,
            None if plain is None else plain / median,
        )
        for what, each in seconds.items()
    )


def finish(setting: Setting) -> None:
    """Wait for the kernels that were launched."""
    if setting.device.type == "cuda":
        torch.cuda.synchronize(setting.device)
