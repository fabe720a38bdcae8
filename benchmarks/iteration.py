"""The AttnGAN iteration on birds: 256 px, batch 8, the authors' widths, both steps, optimisers and average."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from zoo.data.pictures import Batch
from zoo.tasks.gan import GanTask

from . import attngan
from .plain import Iteration, paired_parameters
from .timing import PLAIN, Measurement, Setting, alternate, rows

TOLERANCE = 1e-4
"""Of a term of the loss, relative, in float32."""
GRADIENT_TOLERANCE = 1e-3
"""Of a network's whole gradient, relative: its rounding has gone through every layer."""


def measure(setting: Setting) -> Measurement:
    """Plain port, ours, ours with bfloat16, in turns. Refuses to measure two that compute different things."""
    ours, plain = pair(setting)
    fast = attngan.task(setting, "bf16")
    batch = attngan.batch(ours.sides[-1])
    facts = equality(ours, plain, batch)
    taken = {name: 0 for name in ("plain", "ours", "fast")}

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
    title = f"AttnGAN iteration, {ours.sides[-1]} px, batch {attngan.BATCH}"
    return Measurement(title, rows(seconds, images=attngan.BATCH), facts)


def pair(setting: Setting) -> tuple[GanTask, Iteration]:
    """The zoo's iteration and the plain port with the same weights."""
    ours = attngan.task(setting)
    recipe = attngan.recipe(setting).locked()
    return ours, Iteration(recipe, attngan.modules(ours), setting.device)


def equality(ours: GanTask, plain: Iteration, batch: Batch) -> dict[str, float]:
    """Take step 0 with both; the largest relative differences of terms and of gradients.

    Raises AssertionError where they are not the same numbers.
    """
    with torch.backends.cudnn.flags(allow_tf32=False):
        theirs = plain.step(attngan.inputs(ours, batch, 0))
        mine = ours.step(batch, 0)
    terms = differences(mine, theirs)
    worst = max(terms, key=lambda name: terms[name])
    assert terms[worst] < TOLERANCE, f"{worst}: ours {mine[worst]}, plain port {theirs[worst]}"
    parts = attngan.modules(ours)
    of_generator = gradient_difference(
        paired_parameters([parts["conditioning"], parts["generator"]], [plain.generator])
    )
    assert of_generator < GRADIENT_TOLERANCE, f"generator's gradient: {of_generator}"
    return {"largest_term_difference": terms[worst], "generator_gradient_difference": of_generator}


def differences(mine: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> dict[str, float]:
    """Relative, by the term's name."""
    assert mine.keys() == theirs.keys(), f"{sorted(mine)} and {sorted(theirs)}"
    return {name: (abs(float(mine[name]) / float(theirs[name]) - 1)) for name in mine}


def gradient_difference(pairs: list[tuple[torch.nn.Parameter, torch.nn.Parameter]]) -> float:
    """Length of the difference of two gradients over all parameters, over the length of the second."""
    apart = whole = 0.0
    for mine, theirs in pairs:
        assert mine.grad is not None
        assert theirs.grad is not None
        apart += float((mine.grad.reshape(-1) - theirs.grad.reshape(-1)).square().sum())
        whole += float(theirs.grad.square().sum())
    return float((apart / whole) ** 0.5)
