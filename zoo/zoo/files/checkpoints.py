"""Checkpoints of a run: everything that the next step depends on, as safetensors and JSON, never a pickle.

A checkpoint counts once its manifest (sizes and SHA-256 of its files) is there and holds. What is not
finite is never saved, so the newest one is always good.
The position in the data and every random number are functions of (seed, step), so the step tells them.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, RootModel
from safetensors.torch import load_file, save_file

from zoo_registry import ZooError

from .atomic import folder_written_beside, remove_folder, sha256, write_json
from .formats import read_format, read_table, write_format

_TENSOR, _PAIRS = "__tensor__", "__pairs__"
_FILES = ("state.safetensors", "state.json")
_MANIFEST = "manifest.json"
_LISTED = 3  # tensors named where some are not finite


class NotFiniteError(ZooError):
    """A state that holds NaN or infinity; it is not saved."""


class Entry(BaseModel):
    """A file of a checkpoint."""

    size: int  # bytes
    sha256: str


class Manifest(RootModel[dict[str, Entry]]):
    """manifest.json: the files of a checkpoint."""


def pack(tree: Any, tensors: dict[str, torch.Tensor], path: str = "") -> Any:
    """JSON data for a tree of dicts, lists and tuples; its tensors go to `tensors` under their path."""
    if isinstance(tree, torch.Tensor):
        tensors[path] = tree.detach().cpu().contiguous().clone()
        return {_TENSOR: path}
    if isinstance(tree, Mapping):  # as pairs: an optimiser's keys are integers
        return {_PAIRS: [[key, pack(value, tensors, f"{path}/{key}")] for key, value in tree.items()]}
    if isinstance(tree, list | tuple):
        return [pack(value, tensors, f"{path}/{i}") for i, value in enumerate(tree)]
    return tree


def unpack(data: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """The tree that `pack` took apart; tuples come back as lists."""
    if isinstance(data, dict):
        if _TENSOR in data:
            return tensors[data[_TENSOR]]
        return {key: unpack(value, tensors) for key, value in data[_PAIRS]}
    if isinstance(data, list):
        return [unpack(value, tensors) for value in data]
    return data


class Checkpoints:
    """The folder of a stage's checkpoints, `step_N` each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def steps(self) -> Mapping[int, Path]:
        """The checkpoints by step, from the first."""
        found = {path: re.fullmatch(r"step_(\d+)", path.name) for path in self.folder.glob("step_*")}
        return dict(sorted((int(match[1]), path) for path, match in found.items() if match))

    def save(self, step: int, state: Mapping[str, Any], keep: int = 2) -> None:
        """Write a checkpoint, then remove all but the newest `keep`, and damaged ones of later steps.

        Raises `NotFiniteError`, and leaves those that there are, where a number of the state is not finite.
        """
        tensors: dict[str, torch.Tensor] = {}
        data = pack(state, tensors)
        _check_finite(tensors)
        with folder_written_beside(self.folder / f"step_{step:08d}") as beside:
            save_file(tensors, beside / _FILES[0])
            write_json(beside / _FILES[1], {"step": step, "state": data})
            files = {
                name: Entry(size=(beside / name).stat().st_size, sha256=sha256(beside / name))
                for name in _FILES
            }
            write_format(beside / _MANIFEST, Manifest(files))
        steps = self.steps()
        kept = [at for at in steps if at <= step][-keep:]
        for other in steps.keys() - set(kept):
            remove_folder(steps[other])

    def newest(self) -> tuple[int, dict[str, Any]] | None:
        """The step and state of the newest checkpoint that is whole; None where there is none at all.

        Warns of newer ones that are damaged. Raises `ZooError` where all are.
        """
        damaged: dict[Path, str] = {}
        for step, path in sorted(self.steps().items(), reverse=True):
            if (what := damage(path)) is not None:
                damaged[path] = what
                continue
            for bad, what in damaged.items():
                warnings.warn(f"{bad} is damaged: {what}; going on after step {step}", stacklevel=2)
            data = read_table(path / _FILES[1])
            return step, unpack(data["state"], load_file(path / _FILES[0]))
        if damaged:
            lines = "\n".join(f"  {path}: {what}" for path, what in damaged.items())
            raise ZooError(
                f"no checkpoint is whole, so there is nothing to go on from; a new run begins anew:\n{lines}"
            )
        return None


def _check_finite(tensors: Mapping[str, torch.Tensor]) -> None:
    bad = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if bad:
        named = ", ".join(name.strip("/").replace("/", ".") for name in bad[:_LISTED])
        more = f" and {len(bad) - _LISTED} more" if len(bad) > _LISTED else ""
        raise NotFiniteError(f"{named}{more} not finite")


def damage(path: Path) -> str | None:
    """What is wrong with a checkpoint; None where it is whole."""
    try:
        manifest = read_format(path / _MANIFEST, Manifest).root
    except ZooError as error:
        return str(error)
    if set(manifest) != set(_FILES):
        return f"{_MANIFEST}: expected {' and '.join(_FILES)}, got {', '.join(manifest) or 'nothing'}"
    for name, entry in manifest.items():
        file = path / name
        if not file.is_file():
            return f"{name} is not there"
        size = file.stat().st_size
        if size != entry.size:
            return f"{name}: expected {entry.size:,} bytes, got {size:,}"
        if sha256(file) != entry.sha256:
            return f"{name} has other content than was written"
    return None
