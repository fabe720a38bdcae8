"""Drawn birds at 64 px: the cache made and opened again, and the loader."""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path

from zoo.data.pictures import MARGIN, Batches, Pictures, loader
from zoo.data.source import open_dataset
from zoo.schedule import constant
from zoo_registry import catalogue

from .timing import Measurement, Setting, alternate, rows

SIDE = 64
BATCH = 32


def cache(setting: Setting) -> Measurement:
    """From nothing, and when it is there."""
    count = 40 if setting.quick else 300
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "made")
        pictures(count, made)

        def make() -> None:
            shutil.rmtree(Path(folder, "new"), ignore_errors=True)
            pictures(count, Path(folder, "new"))

        seconds = alternate(
            {"make": make, "open again": lambda: pictures(count, made)}, setting, repeats=3, warmups=0
        )
    return Measurement(f"Cache of aviary:{count}, {SIDE} px", rows(seconds, images=count), {})


def loading(setting: Setting) -> Measurement:
    """Crops, flips and captions of 50 batches in the training process."""
    steps = 5 if setting.quick else 50
    with tempfile.TemporaryDirectory() as folder:
        some = pictures(40 if setting.quick else 300, Path(folder))
        batches = Batches(some, constant(SIDE, len(some), BATCH), seed=0)

        def read() -> None:
            for _ in loader(batches, 0, steps):
                pass

        seconds = alternate({"zoo": read}, setting, repeats=5)
    return Measurement(f"Loader, {SIDE} px, batch {BATCH}", rows(seconds, images=steps * BATCH), {})


def pictures(count: int, folder: Path) -> Pictures:
    """The training pictures of that many birds."""
    dataset = open_dataset(f"aviary:{count}", catalogue(), side=math.ceil(SIDE * MARGIN))
    return Pictures(dataset.records("train"), side=SIDE, fingerprint=dataset.fingerprint(), cache=folder)
