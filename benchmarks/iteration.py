"""The AttnGAN iteration: 256 px, batch 8, the authors' widths; both steps, optimisers and average."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from zoo.data.pictures import Batch
from zoo.tasks.gan import GanTask

from . import attngan
from .plain import Iteration
from .timing import PLAIN, Measurement, Setting, alternate, rows

TOLERANCE = 1e-4
"""Of a term of the loss, relative, in float32."""


def measure(setting: Setting) -> Measurement:
    """Plain port, ours, ours with bfloat16, in turns, once the first two have given the same numbers."""
    ours, plain = pair(setting)
    fast = attngan.task(setting, ["train.precision=bf16"])
    batch = attngan.batch(ours.spec.sides[-1])
    apart = max(equality(ours, plain, batch).values())
    taken = dict.fromkeys(("plain", "ours", "fast"), 0)

    def following(name: str) -> int:
        taken[name] += 1
        return taken[name]

    seconds = alternate(
        {
            PLAIN: lambda: plain.step(attngan.inputs(ours, batch, following("plain"))),
            "zoo, float32": lambda: ours.step(batch, following("ours")),
            "zoo, bf16": lambda: fast.step(batch, following("fast")),
        },
        setting,
        repeats=3,
    )
    title = f"AttnGAN iteration, {ours.spec.sides[-1]} px, batch {attngan.BATCH}"
    return Measurement(title, rows(seconds, images=attngan.BATCH), {"largest_term_difference": apart})


def pair(setting: Setting, changes: Iterable[str] = ()) -> tuple[GanTask, Iteration]:
    """The zoo's iteration and the plain port with the same weights."""
    ours = attngan.task(setting, changes)
    recipe = attngan.recipe(setting, changes).locked()
    return ours, Iteration(recipe, ours.parts.modules, setting.device)


def equality(ours: GanTask, plain: Iteration, batch: Batch) -> dict[str, float]:
    """Take step 0 with both: each term's relative difference. AssertionError where one is too large."""
    with exact():
        theirs = plain.step(attngan.inputs(ours, batch, 0))
        mine = ours.step(batch, 0)
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
