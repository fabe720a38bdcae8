"""Verbs of the command line in a process of their own, start of Python included."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from .timing import Measurement, Setting, alternate, rows

MODEL = "aviary"
CAPTION = "a small blue bird with a long orange beak"


def measure(setting: Setting) -> Measurement:
    """Listing verbs import no torch; `zoo sample` generates one image with a shipped model."""
    with tempfile.TemporaryDirectory() as folder:
        zoo = ("-m", "zoo")
        exported, image = str(Path(folder, "exported")), str(Path(folder, "out.png"))
        _process(*zoo, "export", MODEL, "--format", "onnx", "--out", exported)()
        seconds = alternate(
            {
                "python, nothing else": _process("-c", ""),
                "import torch": _process("-c", "import torch"),
                "import zoo": _process("-c", "import zoo"),
                "zoo --help": _process(*zoo, "--help"),
                "zoo list": _process(*zoo, "list"),
                "zoo plugins": _process(*zoo, "plugins"),
                "zoo sample": _process(*zoo, "sample", MODEL, CAPTION, "--out", image),
                "zoo sample --engine onnx": _process(
                    *zoo, "sample", exported, CAPTION, "--engine", "onnx", "--out", image
                ),
            },
            setting,
            repeats=5,
        )
    return Measurement("Cold start", rows(seconds), {})


def _process(*arguments: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
