"""Captions to images: `Pipeline.generate` beside the plain port's forward pass, four at once and one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zoo import Pipeline
from zoo.assemble import assemble
from zoo.pipeline import SAMPLING
from zoo.seeding import generator as seeded

from . import attngan
from .iteration import exact
from .plain_networks import Generator, copy_weights
from .timing import PLAIN, Measurement, Setting, alternate, rows

TOLERANCE = 1e-3
"""Of a pixel in [-1, 1]: rounding, through every stage."""
SEED = 3


def at_four(setting: Setting) -> Measurement:
    """Batch 4."""
    return _measure(setting, 4)


def at_one(setting: Setting) -> Measurement:
    """Batch 1."""
    return _measure(setting, 1)


def _measure(setting: Setting, count: int) -> Measurement:
    recipe = attngan.recipe(setting)
    pipe = Pipeline(recipe, assemble(recipe, attngan.source(), kinds=SAMPLING, loading=True)).to(
        setting.device
    )
    given = attngan.captions(count)
    plain = generated(pipe, given)
    with exact():
        apart = float((pipe.generate(given, SEED).images[-1] - plain()).abs().max())
    assert apart < TOLERANCE, f"pixels differ by {apart}"
    seconds = alternate(
        {PLAIN: plain, "zoo, float32": lambda: pipe.generate(given, SEED)}, setting, repeats=7
    )
    title = f"Sampling, {pipe.resolution} px, batch {count}"
    return Measurement(title, rows(seconds, images=count), {"largest_pixel_difference": apart})


def generated(pipe: Pipeline, given: tuple[str, ...]) -> Callable[[], Tensor]:
    """The plain port's way from captions to images, with the weights and the noise of `Pipeline.generate`."""
    parts, network = pipe.parts, Generator(pipe.recipe.locked()).to(pipe.device).eval()
    copy_weights([parts.conditioning, parts.generator], [network])
    source = seeded(SEED, 0)
    noise, code_noise = (
        torch.randn(width, generator=source).expand(len(given), -1).to(pipe.device)
        for width in (parts.generator.spec.noise_width, parts.conditioning.width)
    )

    @torch.no_grad()
    def plain() -> Tensor:
        tokens = parts.text_encoder.tokenize(given)
        text = parts.text_encoder(type(tokens)(*(t.to(pipe.device) for t in tokens)))
        images, _, _ = network(noise, code_noise, text.sentence, text.words.transpose(1, 2), text.mask)
        return images[-1].cpu()

    return plain
