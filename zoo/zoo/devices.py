"""Devices by the names that users give them."""

from __future__ import annotations

import torch

from zoo_registry import ZooError


def available() -> list[str]:
    """The devices of this machine, the best one first."""
    # device_count alone would count cards that torch cannot use, such as behind too old a driver
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    cards = [f"cuda:{index}" for index in range(count)]
    return [*cards, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def device_named(name: str | torch.device | None) -> torch.device:
    """The device of a name: "cpu", "cuda", "cuda:1", "mps"; None: the best of this machine.

    Raises `ZooError` for one that this machine has not.
    """
    found = available()
    if name is None:
        return torch.device(found[0].partition(":")[0])
    if str(name) not in (*found, *(each.partition(":")[0] for each in found)):
        kinds = "cpu, cuda, cuda:N or mps"
        built = str(name).startswith("cuda") and torch.version.cuda is None
        why = f"; this torch, {torch.__version__}, is built without CUDA" if built else ""
        raise ZooError(f"device {str(name)!r}: expected one of {kinds} that is here: {', '.join(found)}{why}")
    return torch.device(name)
