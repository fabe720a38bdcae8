"""What the measurements share: a recipe's parts, and batches of random pixels and captions."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from accelerate import PartialState

from zoo import Recipe
from zoo.assemble import assemble
from zoo.data.images import images_at
from zoo.seeding import generator as seeded
from zoo.training.learner import Learner
from zoo.training.schedule import constant
from zoo_registry import catalogue
from zoo_registry.contracts import Batch, TextSource

from .plain import Inputs
from .timing import Setting

RECIPE = "attngan-birds"
BATCH = 8
MISMATCH = "train.mismatch=shift"  # the authors' way; the recipe's own is random, which no port could follow
SMALL = (
    "text_encoder.width=16",
    "text_encoder.word_width=8",
    "image_encoder.width=16",
    "image_encoder.model=test_resnet",
    "image_encoder.resolution=64",
    "conditioning.width=8",
    "generator.resolutions=[16, 32, 64]",
    "generator.base_channels=4",
    "generator.noise_width=8",
    "discriminator.base_channels=4",
)
"""The same system at sizes that take no time."""
_WORDS = tuple(f"word{i}" for i in range(200))


def recipe(setting: Setting, changes: Iterable[str] = ()) -> Recipe:
    """AttnGAN with the authors' widths for birds."""
    small = SMALL if setting.quick else ()
    return Recipe.read(RECIPE, catalogue(), [MISMATCH, f"train.batch_size={BATCH}", *small, *changes])


def source() -> TextSource:
    """The vocabulary."""
    return TextSource(captions=[" ".join(_WORDS)])


def learner(setting: Setting, changes: Iterable[str] = ()) -> Learner:
    """The zoo's iteration. Speed does not depend on the weights, so none are fetched."""
    read = recipe(setting, changes)
    state = PartialState(cpu=setting.device.type == "cpu")
    parts = assemble(read, source(), loading=True)
    return Learner(read, parts, state, constant(parts.generator.spec.resolutions[-1], BATCH, BATCH))


def captions(count: int, length: int = 18) -> tuple[str, ...]:
    """Of `length` words at most, and half of that at least."""
    source = seeded(count, "captions")
    lengths = torch.randint(length // 2, length + 1, (count,), generator=source).tolist()
    return tuple(
        " ".join(_WORDS[i] for i in torch.randint(len(_WORDS), (of_one,), generator=source).tolist())
        for of_one in lengths
    )


def batch(resolution: int, count: int = BATCH) -> Batch:
    """Random pixels; the first two images are of one class."""
    pixels = torch.randint(
        256, (count, 3, resolution, resolution), dtype=torch.uint8, generator=seeded(resolution, "pixels")
    )
    labels = torch.arange(count).clamp(min=1)
    return Batch(pixels, captions(count), labels, torch.arange(count))


def inputs(learner: Learner, of: Batch, step: int) -> Inputs:
    """A batch as the script's loader gives it, with the noise of the zoo's iteration at this step."""
    device, parts = learner.setup.device, learner.parts
    source = seeded(learner.recipe.train.seed, step, 0, "noise")
    noise = torch.randn(len(of.captions), parts.generator.spec.noise_width, generator=source)
    code_noise = torch.randn(len(of.captions), parts.conditioning.width, generator=source)
    tokens = parts.text_encoder.tokenize(of.captions)
    with torch.no_grad():
        text = parts.text_encoder(type(tokens)(*(t.to(device) for t in tokens)))
    assert of.labels is not None
    return Inputs(
        real=images_at(of.pixels.to(device), parts.generator.spec.resolutions),
        sentence=text.sentence,
        words=text.words.transpose(1, 2),
        mask=text.mask,
        lengths=tokens.mask.sum(1).tolist(),
        labels=of.labels.to(device),
        noise=noise.to(device),
        code_noise=code_noise.to(device),
    )
