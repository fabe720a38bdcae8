"""The images of a data set, decoded once, as crops with captions.

Shape letters: n images, B batch, R resolution of the largest image. Pixels are uint8, RGB, channels first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from zoo_registry.contracts import Batch, Record
from zoo_registry.errors import ZooError

from .cache import content, open_cache
from .threads import Progress

MARGIN = 76 / 64  # StackGAN: load at 76 for crops of 64
RANDOM_PER_IMAGE = 4  # random numbers per image: row, column, flip, caption


class ImageSet:
    """The images of some records, decoded once into a cache, cut to R = `resolution`.

    margin: the cached image's shorter side over R, the room that random crops have.
    fingerprint: of the data set, where it is procedural; else None, and the files are hashed.
    cache: the folder of the cache; None takes `cache_folder()`.
    Attributes: captions, of each image; labels [n] int64, numbers of `label_names` (sorted), None where a
    record has no class; fingerprint, a hash of images, captions and classes, the same on every machine.
    Raises ZooError where there is no image, or where some cannot be decoded.
    """

    def __init__(
        self,
        records: Sequence[Record],
        *,
        resolution: int,
        margin: float = MARGIN,
        fingerprint: str | None,
        cache: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        if not records:
            raise ZooError("the data set has no image with captions; `zoo data check` tells why")
        self.resolution = resolution
        self.captions = tuple(record.captions for record in records)
        names = [record.label for record in records if record.label is not None]
        self.label_names = tuple(sorted(set(names))) if len(names) == len(records) else ()
        number = {name: index for index, name in enumerate(self.label_names)}
        self.labels = torch.tensor([number[name] for name in names]) if number else None
        contents = content(records, fingerprint)
        digest = hashlib.blake2b(digest_size=16)
        for record, part in zip(records, contents, strict=True):
            digest.update(repr((part, record.box, record.captions, record.label)).encode())
        self.fingerprint = digest.hexdigest()
        self._cache = open_cache(records, contents, round(resolution * margin), cache, progress)
        self._room = self._cache.sizes - (
            resolution - 1
        )  # [n, 2]: how many rows and columns a crop can begin at

    def __len__(self) -> int:
        return len(self.captions)

    def batch(self, indices: Sequence[int], *, generator: torch.Generator | None) -> Batch:
        """These images, each cropped, flipped and captioned at random.

        Without a generator: the crop from the centre, not flipped, and the first caption.
        """
        if generator is None:
            return self.cut(indices, None)
        return self.cut(
            indices, torch.rand(len(indices), RANDOM_PER_IMAGE, dtype=torch.float64, generator=generator)
        )

    def cut(self, indices: Sequence[int], uniform: Tensor | None) -> Batch:
        """These images, cut as `uniform` [B, 4] in [0, 1) say: row, column, flip, caption."""
        which = np.asarray(indices, np.int64)
        room = self._room[which]  # [B, 2]
        chosen = [0] * len(which)
        if uniform is None:
            corners = room // 2
        else:
            corners = (uniform[:, :2].numpy() * room).astype(np.int64)
            captions_of = [len(self.captions[index]) for index in which.tolist()]
            chosen = (uniform[:, 3].numpy() * captions_of).astype(np.int64).tolist()
        resolution = self.resolution
        pixels = np.empty((len(which), 3, resolution, resolution), np.uint8)
        for place, (index, (top, left)) in enumerate(zip(which.tolist(), corners.tolist(), strict=True)):
            pixels[place] = self._cache[index][:, top : top + resolution, left : left + resolution]
        images = torch.from_numpy(pixels)
        if uniform is not None:
            flipped = uniform[:, 2] < 0.5
            images[flipped] = images[flipped].flip(-1)
        captions = tuple(
            self.captions[index][caption] if self.captions[index] else ""
            for index, caption in zip(which.tolist(), chosen, strict=True)
        )
        rows = torch.from_numpy(which)
        labels = None if self.labels is None else self.labels[rows]
        every_caption = tuple(tuple(self.captions[index]) for index in which.tolist())
        return Batch(images, captions, labels, rows, every_caption)


def images_at(pixels: Tensor, resolutions: Sequence[int]) -> tuple[Tensor, ...]:
    """Pixels [B,3,R,R] uint8 as float images in [-1, 1], one [B,3,r,r] per resolution, all of the same crop.

    r = R is the crop itself; the others are resized from it, bilinear and antialiased.
    """
    crop = pixels.float() / 127.5 - 1
    return tuple(
        crop if resolution == crop.shape[-1] else _resized(crop, resolution) for resolution in resolutions
    )


def _resized(crop: Tensor, resolution: int) -> Tensor:
    """The weights of a pixel sum to 1 only up to rounding, hence the clamp."""
    return F.interpolate(crop, resolution, mode="bilinear", antialias=True).clamp_(-1, 1)
