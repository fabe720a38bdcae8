"""The studio in a process of its own."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

WAIT = 120.0


@contextmanager
def served(*command: str | Path, cwd: Path, **environment: str) -> Iterator[str]:
    """A process that serves the studio; yields its address."""
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | {"GRADIO_TEMP_DIR": str(cwd / "gradio"), "NO_PROXY": "127.0.0.1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    reader = threading.Thread(target=lambda out: [lines.put(line) for line in out], args=(process.stdout,))
    reader.start()
    told = ""
    try:
        while (found := re.search(r"the studio: (http\S+)", told)) is None:
            try:
                told += lines.get(timeout=WAIT)
            except queue.Empty:
                pytest.fail(f"nothing was served:\n{told}")
        yield found[1]
    finally:
        process.terminate()
        process.wait(timeout=30)
        reader.join()
        process.stdout.close()
