"""Memory that training frees stays with the process, where the C library is glibc."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")

MEASURED = """
import resource
import sys

import torch
from zoo.training.trainer import resume

resume(sys.argv[1], device="cpu")
for _ in range(8):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(100 * 2**18)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""How often the system had to give memory while 100 MiB were filled, once a run went on."""


def test_what_training_on_a_cpu_frees_is_used_again(trained: Path) -> None:
    command = [sys.executable, "-c", MEASURED, trained]  # what another test trained here would let this pass
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert min(map(int, done.stdout.split())) < 1000, "of 25,600 pages"
