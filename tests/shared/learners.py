"""Tasks of small recipes, ready for a step."""

from __future__ import annotations

from typing import Any

from accelerate import PartialState
from tiny import TINY_CHANGES

from zoo.assemble import assemble
from zoo.data.images import ImageSet
from zoo.data.source import open_dataset
from zoo.training.batches import Batches
from zoo.training.learner import Learner
from zoo.training.schedule import resolution_of, schedule
from zoo_registry import Recipe, catalogue
from zoo_registry.contracts import TextSource

GAN = [change for change in TINY_CHANGES if not change.startswith("pretrain.")]
MATCH = [change.removeprefix("pretrain.") for change in TINY_CHANGES if change.startswith("pretrain.")]
INVERT = [
    "text_encoder.width=16",
    "text_encoder.channels=[8, 8, 8]",
    "conditioning.width=8",
    "generator.resolution=16",
    "generator.base_channels=8",
    "generator.noise_width=4",
    "style_encoder.base_channels=8",
    "train.batch_size=4",
]
WITHOUT_TEXT: dict[str, Any] = {
    "zoo": 1,
    "name": "growing",
    "task": "gan",
    "generator": {"use": "progressive", "depth": 3, "width": 8},
    "discriminator": {"use": "progressive", "width": 8},
    "losses": [{"use": "wgan-gp"}],
    "train": {"steps": 6, "batch_size": 4, "log_every": 1, "checkpoint_every": 1},
}


def learner(recipe: Any, *changes: str, data: str = "aviary:40") -> tuple[Learner, Batches]:
    """The task of a recipe on a procedural data set, and its batches."""
    read = Recipe.read(recipe, catalogue(), changes)
    resolution = resolution_of(read)
    dataset = open_dataset(data, catalogue(), resolution=round(resolution * 1.2))
    records = dataset.records("train")
    images = ImageSet(records, resolution=resolution, fingerprint=dataset.fingerprint())
    parts = assemble(read, TextSource(captions=[c for r in records for c in r.captions]))
    plan = schedule(read, len(images), len(images.label_names))
    sampler = read.task.load().plan(read.train).sampler
    batches = Batches(images, plan, seed=read.train.seed, sampler=sampler)
    return Learner(read, parts, PartialState(cpu=True), plan), batches
