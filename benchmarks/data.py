"""Procedural birds at 64 px: the cache made and opened again, and the loader."""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path

from zoo.data.images import MARGIN, ImageSet
from zoo.data.source import open_dataset
from zoo.training.batches import Batches, loader
from zoo.training.schedule import constant
from zoo_registry import catalogue

from .timing import Measurement, Setting, alternate, rows

RESOLUTION = 64
BATCH = 32


def cache(setting: Setting) -> Measurement:
    """From nothing, and when it is there."""
    count = 40 if setting.quick else 300
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "made")
        images(count, made)

        def make() -> None:
            shutil.rmtree(Path(folder, "new"), ignore_errors=True)
            images(count, Path(folder, "new"))

        seconds = alternate(
            {"make": make, "open again": lambda: images(count, made)}, setting, repeats=3, warmups=0
        )
    return Measurement(f"Cache of aviary:{count}, {RESOLUTION} px", rows(seconds, images=count), {})


def loading(setting: Setting) -> Measurement:
    """Crops, flips and captions of 50 batches in the training process."""
    steps = 5 if setting.quick else 50
    with tempfile.TemporaryDirectory() as folder:
        some = images(40 if setting.quick else 300, Path(folder))
        batches = Batches(some, constant(RESOLUTION, len(some), BATCH), seed=0)

        def read() -> None:
            for _ in loader(batches, 0, steps):
                pass

        seconds = alternate({"zoo": read}, setting, repeats=5)
    return Measurement(f"Loader, {RESOLUTION} px, batch {BATCH}", rows(seconds, images=steps * BATCH), {})


def images(count: int, folder: Path) -> ImageSet:
    """The training images of that many birds."""
    dataset = open_dataset(f"aviary:{count}", catalogue(), resolution=math.ceil(RESOLUTION * MARGIN))
    return ImageSet(
        dataset.records("train"), resolution=RESOLUTION, fingerprint=dataset.fingerprint(), cache=folder
    )
