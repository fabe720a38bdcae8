"""The studio in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

START = 120.0
"""Seconds within which it answers: it imports torch and Gradio first."""
STOP = 30.0
"""Seconds within which it ends after a signal."""


@dataclass
class Served:
    """A studio that answers: its address, its process, what it wrote, and the folder of its files."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path
    folder: Path

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=STOP)


@contextmanager
def started(*command: str | Path, cwd: Path, **environment: str) -> Iterator[Served]:
    """A process that serves the studio."""
    folder, log = cwd / "gradio", cwd / "studio.log"
    settings = os.environ | {"GRADIO_TEMP_DIR": str(folder), "NO_PROXY": "127.0.0.1"} | environment
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=cwd, env=settings, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        end = time.monotonic() + START
        while (found := re.search(r"the studio: (http\S+)", log.read_text())) is None:
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"nothing was served:\n{log.read_text()}")
            time.sleep(0.1)
        yield Served(found[1], process, log, folder)
    finally:
        process.terminate()
        process.wait(timeout=STOP)


@contextmanager
def served(*command: str | Path, cwd: Path, **environment: str) -> Iterator[str]:
    """As `started`; yields the address."""
    with started(*command, cwd=cwd, **environment) as studio:
        yield studio.address
