"""Memory that training frees stays with the process, where the C library is glibc."""

from __future__ import annotations

import platform
import resource
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")


def faults(megabytes: int) -> int:
    """How often the system had to give memory while a new tensor was filled."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(megabytes * 2**18)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_what_training_on_a_cpu_frees_is_used_again(trained: Path) -> None:
    assert (trained / "done.json").is_file()
    assert min(faults(100) for _ in range(8)) < 1000, "of 25,600 pages"
