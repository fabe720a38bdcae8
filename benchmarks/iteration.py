"""The AttnGAN iteration: 256 px, batch 8, the authors' widths; both steps, optimisers and average."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import Tensor

from zoo.memory import keep_freed_memory
from zoo.training.learner import Learner
from zoo_registry.contracts import Batch

from . import attngan
from .plain import Iteration
from .timing import PLAIN, Measurement, Setting, alternate, finish, rows

TOLERANCE = 1e-4
"""Of a term of the loss, relative, in float32."""


BF16 = ("train.precision=bf16",)


def measure(setting: Setting) -> Measurement:
    """Plain port, ours, ours with bfloat16, in turns, once the first two have given the same numbers.

    Each has a process of its own, as it has when it trains: what ours asks of the C library's memory is not
    asked for the plain port.
    """
    ours, plain = pair(setting)
    resolution = ours.parts.generator.spec.resolutions[-1]
    apart = max(equality(ours, plain, attngan.batch(resolution)).values())
    del ours, plain
    with ExitStack() as stack:
        seconds = alternate(
            {
                PLAIN: stack.enter_context(_process(_plain, setting)),
                "zoo, float32": stack.enter_context(_process(_ours, setting)),
                "zoo, bf16": stack.enter_context(_process(_ours, setting, BF16)),
            },
            setting,
            repeats=3,
        )
    title = f"AttnGAN iteration, {resolution} px, batch {attngan.BATCH}"
    return Measurement(title, rows(seconds, images=attngan.BATCH), {"largest_term_difference": apart})


@contextmanager
def _process(make: Callable[..., Callable[[int], object]], *given: Any) -> Iterator[Callable[[], object]]:
    """A process that makes an iteration; yields what lets it take a step and waits for that."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_steps, args=(there, make, *given))
    process.start()
    there.close()
    here.recv()

    def step() -> None:
        here.send(True)
        here.recv()

    yield step
    here.send(False)
    process.join()


def _steps(
    pipe: Connection, make: Callable[..., Callable[[int], object]], setting: Setting, *given: Any
) -> None:
    step, number = make(setting, *given), 0
    pipe.send(True)
    while pipe.recv():
        number += 1
        step(number)
        finish(setting)
        pipe.send(True)


def _plain(setting: Setting) -> Callable[[int], object]:
    ours, plain = pair(setting)
    batch = attngan.batch(ours.parts.generator.spec.resolutions[-1])
    return lambda number: plain.step(attngan.inputs(ours, batch, number))


def _ours(setting: Setting, changes: Iterable[str] = ()) -> Callable[[int], object]:
    if setting.device.type == "cpu":
        keep_freed_memory()  # as zoo.train does
    learner = attngan.learner(setting, changes)
    batch = attngan.batch(learner.parts.generator.spec.resolutions[-1])
    return lambda number: learner.step([batch], number)


def pair(setting: Setting, changes: Iterable[str] = ()) -> tuple[Learner, Iteration]:
    """The zoo's iteration and the plain port with the same weights."""
    ours = attngan.learner(setting, changes)
    recipe = attngan.recipe(setting, changes).locked()
    return ours, Iteration(recipe, ours.parts.modules, setting.device)


def equality(ours: Learner, plain: Iteration, batch: Batch) -> dict[str, float]:
    """Take step 0 with both: each term's relative difference. AssertionError where one is too large."""
    with exact():
        theirs = plain.step(attngan.inputs(ours, batch, 0))
        mine = ours.step([batch], 0)
    apart = differences(mine, theirs)
    for name, difference in apart.items():
        assert difference < TOLERANCE, f"{name}: ours {mine[name]}, plain port {theirs[name]}"
    return apart


def exact() -> AbstractContextManager[None]:
    """No convolution is rounded to TF32, as it is by default on a GPU."""
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


def differences(mine: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> dict[str, float]:
    """Relative, by the term's name."""
    assert mine.keys() == theirs.keys(), f"{sorted(mine)} and {sorted(theirs)}"
    return {name: abs(float(mine[name].detach() / theirs[name].detach()) - 1) for name in mine}
