"""What would not fit is refused with the figure before it is made: networks, batches, images, files."""

from __future__ import annotations

import math
import os
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from zoo_registry import Recipe, ZooError
from zoo_registry.contracts import TextSource

MOST_TENSORS = 100_000
"""No network of the field has a tenth of this."""
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


def check_recipe(recipe: Recipe) -> None:
    """Refuse a recipe whose networks or batches would not fit, before any data are read.

    The networks are built without memory, on torch's meta device. Raises `ZooError`.
    """
    from .assemble import assemble
    from .training.schedule import resolution_of

    size, resolution = recipe.train.batch_size, resolution_of(recipe)
    what = f"train.batch_size: a batch of {size:,} images of {resolution} px"
    check_memory(4 * 3 * size * resolution**2, what, "a smaller one would do")
    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parts = assemble(recipe, TextSource(captions=["a"]), loading=True)
    except ZooError:
        raise
    except Exception:  # a part whose constructor needs numbers; it is met when it is built for training
        return
    for kind, module in parts.modules.items():
        learns = kind not in parts.frozen
        if size == 1 and learns and any(isinstance(one, nn.BatchNorm1d) for one in module.modules()):
            raise ZooError(
                f"{recipe.name}: train.batch_size: 1, but the {kind.replace('_', ' ')} normalises over the "
                "batch; expected 2 or more"
            )


def _readable(size: int) -> str:
    """Bytes for people."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            return f"{size:,.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000  # type: ignore[assignment]
    raise AssertionError
