"""Decoded images in one memory-mapped file, known by their content.

A cache file is little-endian int64 [FORMAT, count], int64 [count, 2] with each image's (height, width), and
then the images, uint8 [3, height, width] each: planes, so that a crop is copied by whole lines.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo_registry.contracts import Record
from zoo_registry.errors import ZooError
from zoo_registry.text import expanded

from ..files import file_written_beside, make_folder
from .decode import ImageError, decode
from .threads import Progress, in_threads

FORMAT = 1  # changes whenever decoding gives other pixels
NUMBER = np.dtype("<i8")
SUFFIX = ".pixels"
NAMED = 5  # images named in the error

Pixels = npt.NDArray[np.uint8]


def cache_folder() -> Path:
    """Where caches lie: $ZOO_CACHE, or t2i-zoo in $XDG_CACHE_HOME or ~/.cache."""
    own = os.environ.get("ZOO_CACHE")
    return expanded(own or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "t2i-zoo"))


def size_of(path: Path) -> int:
    """How many bytes a file takes, or the files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink())


def content(records: Sequence[Record], fingerprint: str | None) -> tuple[str, ...]:
    """What identifies a record's pixels: its file's hash, or the data set's fingerprint and its name."""
    if fingerprint is not None:
        return tuple(f"{fingerprint}/{record.name}" for record in records)
    return tuple(in_threads(_file_hash, [record.image for record in records]))


def _file_hash(image: Any) -> str:
    if not isinstance(image, Path):
        raise ZooError("a procedural data set has to give the fingerprint of its images")
    with image.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


class PixelCache:
    """The decoded images of a cache file. Raises ValueError where the file is not a whole cache."""

    def __init__(self, path: Path) -> None:
        self.path = path
        data = np.memmap(path, np.uint8, mode="r")
        header = data[: 2 * NUMBER.itemsize].view(NUMBER)
        if len(header) < 2 or header[0] != FORMAT:
            raise ValueError(f"{path} is not a cache of format {FORMAT}")
        start = int(2 + 2 * header[1]) * NUMBER.itemsize
        sizes = data[2 * NUMBER.itemsize : start].view(NUMBER).reshape(-1, 2)
        ends = start + np.cumsum(3 * sizes.prod(axis=1))
        if len(sizes) != header[1] or len(data) != (ends[-1] if len(ends) else start):
            raise ValueError(f"{path} is damaged")
        self.sizes: npt.NDArray[np.int64] = sizes.astype(np.int64)  # [n, 2]: height, width
        self._starts = [start, *ends[:-1].tolist()]
        self._shapes = [(3, height, width) for height, width in self.sizes.tolist()]
        self._data = np.asarray(data)  # an ndarray over the same memory: memmap's own slicing is slow

    def __len__(self) -> int:
        return len(self._shapes)

    def __getitem__(self, index: int) -> Pixels:
        """Image `index`, uint8 [3, height, width], not copied."""
        start, shape = self._starts[index], self._shapes[index]
        return self._data[start : start + shape[0] * shape[1] * shape[2]].reshape(shape)

    def __reduce__(self) -> tuple[type[PixelCache], tuple[Path]]:
        return PixelCache, (self.path,)  # a worker process maps the file itself


def open_cache(
    records: Sequence[Record],
    contents: Sequence[str],
    resolution: int,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> PixelCache:
    """The cache of these images with their shorter side at `resolution`, made if it is not there or not
    whole.

    `contents` comes from `content`. Raises ZooError that names the images that cannot be decoded.
    """
    key = hashlib.blake2b(repr((FORMAT, resolution)).encode(), digest_size=16)
    for record, part in zip(records, contents, strict=True):
        key.update(repr((part, record.box)).encode())
    path = (folder or cache_folder()) / (key.hexdigest() + SUFFIX)
    try:
        return PixelCache(path)
    except (FileNotFoundError, ValueError):
        make_folder(path.parent)
    with file_written_beside(path) as beside:
        _write(beside, records, resolution, progress)
    return PixelCache(path)


def _write(path: Path, records: Sequence[Record], resolution: int, progress: Progress | None) -> None:
    def pixels(record: Record) -> Pixels | ImageError:
        try:
            image = decode(record, resolution)
        except ImageError as error:
            return error
        return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))  # [h, w, 3] to [3, h, w]

    sizes = np.zeros((len(records), 2), NUMBER)
    errors = []
    with path.open("wb") as file:
        file.seek((2 + sizes.size) * NUMBER.itemsize)
        for index, result in enumerate(in_threads(pixels, records, progress)):
            if isinstance(result, ImageError):
                errors.append(result)
            else:
                sizes[index] = result.shape[1:]
                file.write(result.data)
        if errors:
            lines = [f"  {error}" for error in errors[:NAMED]]
            if len(errors) > NAMED:
                lines.append(f"  and {len(errors) - NAMED} more")
            hint = "fix or remove them; `zoo data check` lists all problems of a data set"
            count = f"{len(errors)} of {len(records)} images cannot be used"
            raise ZooError("\n".join([f"{count}; {hint}:", *lines]))
        file.seek(0)
        file.write(np.array([FORMAT, len(records)], NUMBER).tobytes() + sizes.tobytes())
