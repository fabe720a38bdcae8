"""The images that a pipeline generates for a study, kept while the study goes on.

Shape letters: see zoo_registry.contracts; n images.
"""

from __future__ import annotations

import hashlib
import math
import os
import weakref
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from zoo_registry import ZooError

from ..pipeline import Pipeline
from ..progress import Bar
from ..seeding import generator as seeded


class GeneratedImages:
    """Images i = 0, 1, … of a pipeline, uint8, in a file that grows; image i depends on (seed, i) alone.

    file: where they are kept, so that an evaluation that was stopped goes on where it was. Each image has
        its place in it, so that two evaluations at once write the same bytes there.
    """

    def __init__(
        self, pipe: Pipeline, file: Path, *, seed: int, truncation: float | None, batch_size: int
    ) -> None:
        self.pipe, self.file, self.seed, self.truncation = pipe, file, seed, truncation
        self.batch_size = batch_size
        self.size = 3 * pipe.resolution**2  # bytes per image

    @cached_property
    def _held(self) -> BinaryIO:
        """The file, open: it stays ours where another evaluation is done with it and removes it."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(self.file, os.O_RDWR | os.O_CREAT, 0o644), "r+b")
        weakref.finalize(self, file.close)
        return file

    def __len__(self) -> int:
        """How many are there."""
        return os.fstat(self._held.fileno()).st_size // self.size

    def generate(self, captions: Sequence[str], *, quiet: bool) -> None:
        """Generate what is not there yet, an image of each caption."""
        count = len(self)
        if count >= len(captions):
            return
        file = self._held
        file.seek(count * self.size)  # an image may have been written by half
        with Bar("generated images", len(captions), done=count, quiet=quiet) as bar:
            while count < len(captions):
                part = range(count, min(count + self.batch_size, len(captions)))
                pixels = self._batch([captions[i] for i in part], part)
                file.write(pixels.numpy().tobytes())
                file.flush()
                count = part.stop
                bar.advance(count)

    @torch.inference_mode()
    def _batch(self, captions: Sequence[str], numbers: Sequence[int]) -> Tensor:
        """Images [b,3,R,R] uint8 of the captions with these numbers."""
        pipe, parts = self.pipe, self.pipe.parts
        widths = (parts.generator.spec.noise_width, parts.code_width)
        rows = []
        for number in numbers:
            source = seeded(self.seed, number, "evaluation")
            rows.append([self._noise(torch.randn(width, generator=source)) for width in widths])
        noise, code_noise = (torch.stack(column).to(pipe.device) for column in zip(*rows, strict=True))
        text = parts.read(captions, pipe.device)
        generated = parts.generator(noise, parts.condition(text, code_noise), text, pipe.growth)
        images = generated.images[-1].float()
        bad = ~torch.isfinite(images).flatten(1).all(1)
        if bad.any():
            number = numbers[int(bad.nonzero()[0])]
            raise ZooError(
                f"the pipeline generates values that are not finite (NaN or infinite), first in image "
                f"{number}, of {captions[number - numbers[0]]!r}: its training has diverged"
            )
        pixels: Tensor = images.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8).cpu()
        return pixels

    def _noise(self, noise: Tensor) -> Tensor:
        """Standard normal noise, bent to lie within the truncation: each value keeps its rank."""
        if self.truncation is None:
            return noise
        below = 0.5 * math.erfc(self.truncation / math.sqrt(2))  # probability mass of one tail
        rank = torch.special.ndtr(noise.double()) * (1 - 2 * below) + below
        return torch.special.ndtri(rank).float()

    def batches(self, count: int) -> Iterator[Tensor]:
        """The first `count` images [b,3,R,R] uint8."""
        resolution = self.pipe.resolution
        pixels = np.memmap(self._held, np.uint8, mode="r", shape=(count, 3, resolution, resolution))
        for at in range(0, count, self.batch_size):
            yield torch.from_numpy(np.array(pixels[at : at + self.batch_size]))

    def remove(self) -> None:
        """They are not needed any more."""
        self._held.close()
        self.file.unlink(missing_ok=True)


def key_of(*parts: object) -> str:
    """A file's name for what its content depends on."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
