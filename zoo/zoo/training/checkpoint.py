"""Checkpoints of a run: everything that the next step depends on, as safetensors and JSON, never a pickle.

A checkpoint counts once its manifest (sizes and SHA-256 of its files) is there and holds.
The position in the data and every random number are functions of (seed, step), so the step tells them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from ..files import folder_written_beside, sha256, write_json

_TENSOR, _PAIRS = "__tensor__", "__pairs__"
_FILES = ("state.safetensors", "state.json")


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


def save(folder: Path, step: int, state: Mapping[str, Any], keep: int = 2) -> Path:
    """Write `folder/step_N`, then remove all but the newest `keep`."""
    target = folder / f"step_{step:08d}"
    with folder_written_beside(target) as beside:
        tensors: dict[str, torch.Tensor] = {}
        data = pack(state, tensors)
        save_file(tensors, beside / _FILES[0])
        write_json(beside / _FILES[1], {"step": step, "state": data})
        files = {
            name: {"size": (beside / name).stat().st_size, "sha256": sha256(beside / name)} for name in _FILES
        }
        write_json(beside / "manifest.json", files)
    for old in sorted(folder.glob("step_*"))[:-keep]:
        shutil.rmtree(old)
    return target


def newest(folder: Path) -> tuple[int, dict[str, Any]] | None:
    """The step and state of the newest checkpoint that is whole; None where there is none."""
    for path in sorted(folder.glob("step_*"), reverse=True):
        if _whole(path):
            data = json.loads((path / _FILES[1]).read_text(encoding="utf-8"))
            return int(data["step"]), unpack(data["state"], load_file(path / _FILES[0]))
    return None


def _whole(path: Path) -> bool:
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        return set(manifest) == set(_FILES) and all(
            (path / name).stat().st_size == entry["size"] and sha256(path / name) == entry["sha256"]
            for name, entry in manifest.items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False
