"""Where the numbers were taken."""

from __future__ import annotations

import datetime
import platform
from pathlib import Path
from typing import Any

import torch


def machine(device: torch.device) -> dict[str, Any]:
    """Names and versions, without the host's name."""
    cpu = cpu_name()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu
    return {
        "device": name,
        "cpu": cpu,
        "cores": torch.multiprocessing.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "date": datetime.date.today().isoformat(),
    }


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether numbers of two days were taken at the same place."""
    return {**one, "date": None} == {**other, "date": None}


def cpu_name() -> str:
    """As the kernel reports it, else as Python does."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
