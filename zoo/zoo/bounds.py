"""What would not fit is refused with the figure before it is made: networks, batches, images, files."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from zoo_registry import ZooError

MOST_TENSORS = 10_000
"""No network of the field has a third of this."""
_MAKERS = {torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn, torch.full}


def memory() -> int:
    """The bytes of this machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_memory(size: int, what: str, remedy: str) -> None:
    """Raise `ZooError` where `size` bytes are more than this machine's memory."""
    if size > memory():
        raise ZooError(
            f"{what} would take {_readable(size)}, this machine has {_readable(memory())}; {remedy}"
        )


def check_disk(size: int, folder: Path, what: str) -> None:
    """Raise `ZooError` where `size` bytes are more than the disk of a folder has left."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    free = shutil.disk_usage(there).free
    if size > free:
        raise ZooError(f"{what} would take {_readable(size)}, {there} has {_readable(free)} left")


class BoundedTensors(TorchFunctionMode):
    """While a part is built, no more tensors than `MOST_TENSORS`, and none that memory cannot hold.

    place: of the part in its recipe, for the `ZooError`.
    """

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place, self.numbers, self.tensors = place, 0, 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Count what a maker of tensors is about to make."""
        kwargs = kwargs or {}
        if func in _MAKERS:
            sizes = args[0] if args and isinstance(args[0], tuple | list) else args
            sizes = kwargs.get("size", sizes)
            self.numbers += math.prod(size for size in sizes if isinstance(size, int))
            self.tensors += 1
            what = f"{self.place}: its weights, {self.numbers:,} numbers or more,"
            check_memory(4 * self.numbers, what, "smaller settings would do")
            if self.tensors > MOST_TENSORS:
                raise ZooError(
                    f"{self.place}: it has more than {MOST_TENSORS:,} tensors; fewer layers would do"
                )
        return func(*args, **kwargs)


def _readable(size: int) -> str:
    """Bytes for people."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            return f"{size:,.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000  # type: ignore[assignment]
    raise AssertionError
