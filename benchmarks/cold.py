"""Verbs of the command line in a process of their own, start of Python included."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from zoo import Pipeline
from zoo.assemble import assemble

from . import attngan
from .timing import Measurement, Setting, alternate, rows

CAPTION = "word1 word2 word3"


def measure(setting: Setting) -> Measurement:
    """Listing verbs import no torch; `zoo sample` draws one picture with a small model."""
    with tempfile.TemporaryDirectory() as folder:
        small = attngan.recipe(Setting(setting.device, quick=True))
        parts = assemble(small, attngan.source(), loading=True)
        model = Pipeline(small, parts).save_pretrained(Path(folder, "model"))
        picture = str(Path(folder, "out.png"))
        zoo = ("-m", "zoo.cli")
        seconds = alternate(
            {
                "python, nothing else": _process("-c", ""),
                "import zoo": _process("-c", "import zoo"),
                "zoo --help": _process(*zoo, "--help"),
                "zoo list": _process(*zoo, "list"),
                "zoo plugins": _process(*zoo, "plugins"),
                "zoo sample": _process(*zoo, "sample", str(model), CAPTION, "--out", picture),
            },
            setting,
            repeats=5,
        )
    return Measurement("Cold start", rows(seconds), {})


def _process(*arguments: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
