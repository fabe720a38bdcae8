"""Weights of one part: read from and written to safetensors, matched by name, mismatches listed by name."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from zoo_registry import ZooError

_LISTED = 12


def read(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file. Raises `ZooError` where it is no safetensors file."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ZooError(f"{path} cannot be read as safetensors: {_lfs(path) or error}") from None


def _lfs(path: Path) -> str:
    """What to do about a file that only says where its content lies; "" for another."""
    head = b"version https://git-lfs"
    with suppress(OSError), path.open("rb") as file:
        if file.read(len(head)) == head:
            return "it is a pointer of Git LFS, cloned without its content; fetch that with: git lfs pull"
    return ""


def write(path: Path, state: Mapping[str, torch.Tensor]) -> None:
    """Write the tensors of a part. Raises `ZooError` where a number is not finite."""
    _check(state, str(path))
    save_file({k: v.detach().cpu().contiguous().clone() for k, v in state.items()}, path)


def put(module: nn.Module, state: Mapping[str, torch.Tensor], what: str) -> None:
    """Load tensors into a part.

    Raises `ZooError` that lists by name what is missing, extra, misshapen, of another kind of number, or
    damaged.
    """
    _check(state, what)
    own = module.state_dict()
    mismatches = [f"missing: {name} {tuple(own[name].shape)}" for name in own if name not in state]
    mismatches += [
        f"not of this part: {name} {tuple(state[name].shape)}" for name in state if name not in own
    ]
    mismatches += [
        f"{name}: the part has {tuple(own[name].shape)}, the weights have {tuple(state[name].shape)}"
        for name in own
        if name in state and own[name].shape != state[name].shape
    ]
    mismatches += [
        f"{name}: expected {_dtype(own[name])}, got {_dtype(state[name])}"
        for name in own
        if name in state and not _holds(state[name], own[name])
    ]
    if mismatches:
        with suppress(RuntimeError):  # a part may know better words: a vocabulary that differs
            module.load_state_dict(dict(state), strict=False)
        more = [f"… and {len(mismatches) - _LISTED} more"] if len(mismatches) > _LISTED else []
        lines = "\n".join(f"  {line}" for line in mismatches[:_LISTED] + more)
        raise ZooError(f"{what}: the weights do not fit the part\n{lines}")
    module.load_state_dict(dict(state))


def transfer(module: nn.Module, state: Mapping[str, torch.Tensor], what: str) -> None:
    """Load what another kind of part shares with this one: the layers of the first level that fit whole.

    A layer fits where this part has each of its tensors, of the same shape. Raises `ZooError` where none
    does.
    """
    _check(state, what)
    own = module.state_dict()
    misfits = {
        name.partition(".")[0]
        for name, value in state.items()
        if name not in own or own[name].shape != value.shape
    }
    shared = {name: value for name, value in state.items() if name.partition(".")[0] not in misfits}
    if not shared:
        layers = ", ".join(sorted(misfits))
        raise ZooError(f"{what}: none of its layers ({layers}) has the names and shapes of one of this part")
    module.load_state_dict(shared, strict=False)


def _check(state: Mapping[str, torch.Tensor], what: str) -> None:
    """Raise `ZooError` for weights that no training leaves: NaN, infinity, a negative variance."""
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise ZooError(f"{what} is damaged: {name} holds NaN or infinity")
        if name.endswith("running_var") and (tensor < 0).any():
            raise ZooError(f"{what} is damaged: {name} holds a negative variance")


def _holds(stored: torch.Tensor, own: torch.Tensor) -> bool:
    """Whether a stored tensor's numbers are of the kind that a part's own are, of 16 bits or more."""
    if own.is_floating_point():
        return stored.dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    return stored.dtype == own.dtype


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
