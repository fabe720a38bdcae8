"""The text files that people bring: their encoding, their line ends, and the form of their letters."""

from __future__ import annotations

import codecs
import json
import os
import stat
import unicodedata
from pathlib import Path
from typing import Any

from .errors import ZooError

_MARKS = {  # at a file's head; UTF-32's little-endian one begins as that of UTF-16 does
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def decode(data: bytes, errors: str = "strict") -> str:
    r"""Text in UTF-8, or in what its byte order mark says; lines end in "\n", letters have normal form C.

    errors: as in `bytes.decode`. Raises UnicodeDecodeError, a ValueError.
    """
    mark, encoding = next(
        ((mark, encoding) for mark, encoding in _MARKS.items() if data.startswith(mark)), (b"", "utf-8")
    )
    text = data.removeprefix(mark).decode(encoding, errors)
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


def read_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises OSError, also for pipes and devices, which might never end."""
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(0, "it is a pipe or a device; expected a file", str(path))
    return path.read_bytes()


def read_json(path: Path) -> Any:
    """The data in a JSON file. Raises OSError and ValueError."""
    try:
        return json.loads(read_text(path))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def expanded(path: str | Path) -> Path:
    """A path with "~" and "~user" filled in. Raises `ZooError` where there is no such user, or no home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ZooError(f"{path}: there is no home of that user") from None


def read_text(path: Path) -> str:
    """The text of a file, as `decode` gives it. Raises OSError and UnicodeDecodeError."""
    return decode(read_bytes(path))
