"""An exported folder as an engine of the zoo: its errors in one line. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from zoo_registry import ZooError
from zoo_registry.errors import first_line
from zoo_registry.text import expanded

if TYPE_CHECKING:
    from PIL.Image import Image

DESCRIPTION = "export.json"
"""What an exported folder says of itself."""
GENERATING = ("onnxruntime",)
EXPORTING = ("onnx", "onnxscript", "onnxruntime")
"""What either needs beyond the zoo's own libraries."""


def need(libraries: Sequence[str]) -> None:
    """Raise `ZooError` where one is missing of those that the extra `onnx` brings."""
    missing = [name for name in libraries if find_spec(name) is None]
    if missing:
        raise ZooError(f"{', '.join(missing)} is not installed: pip install 't2i-zoo[onnx]'")


class ExportedModel:
    """An exported folder as `zoo sample` uses it: every error is a `ZooError`.

    Raises it for a folder that is no exported model, or a damaged one.
    """

    def __init__(self, model: str | Path) -> None:
        self.model = model
        path = expanded(model) / DESCRIPTION
        try:
            version = json.loads(path.read_text(encoding="utf-8"))["format"]
        except (FileNotFoundError, NotADirectoryError):
            raise ZooError(
                f"{model} is no exported model: there is no {path}; "
                "zoo export MODEL --format onnx --out DIR writes one"
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ZooError(f"{path} cannot be read as an exported model's description: {error!r}") from None
        need(GENERATING)
        from .onnx_pipeline import FORMAT, OnnxPipeline

        if version != FORMAT:
            raise ZooError(
                f"{path} has format {version!r}; this zoo reads format {FORMAT}: install a newer t2i-zoo"
            )
        with self._as_zoo_errors():
            self._pipe = OnnxPipeline(path.parent)

    @property
    def reads_text(self) -> bool:
        """Whether it takes captions."""
        return self._pipe.reads_text

    def unknown(self, caption: str) -> tuple[str, ...]:
        """What of a caption does not reach the image."""
        with self._as_zoo_errors():
            return self._pipe.unknown(caption)

    def left_out(self, caption: str) -> int:
        """How many known words, pieces or characters of a caption come after those that are read."""
        with self._as_zoo_errors():
            return self._pipe.left_out(caption)

    def __call__(self, captions: Sequence[str], seed: int = 0, images: int = 1) -> list[Image]:
        """Generate `images` images of each caption, caption by caption."""
        with self._as_zoo_errors():
            return self._pipe(captions, seed, images)

    @contextmanager
    def _as_zoo_errors(self) -> Iterator[None]:
        from .onnx_pipeline import CaptionError

        try:
            yield
        except CaptionError as error:
            raise ZooError(str(error)) from None
        except Exception as error:  # whatever a damaged file leads to; onnxruntime's errors have no base
            raise ZooError(f"{self.model} cannot be run ({first_line(error)}); export it again") from error
