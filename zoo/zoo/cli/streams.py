"""Standard streams as they are found: closed, full, read no longer, or in an encoding of few characters."""

from __future__ import annotations

import contextlib
import io
import os
import sys


class _Lossy(io.FileIO):
    """A file that drops what it cannot write: messages and progress that nobody can read stop no work."""

    def write(self, data: object, /) -> int:
        """All of `data`, or as if."""
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError:
            return memoryview(data).nbytes  # type: ignore[arg-type]


def prepare() -> None:
    """Make the three streams usable.

    Closed ones become empty or drop what is written. Characters that the encoding has not are replaced, on
    standard output by "?". Standard error never fails.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            _open_nothing(number)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout is sys.__stdout__:
        sys.stdout.reconfigure(errors="replace")
    if isinstance(sys.stderr, io.TextIOWrapper) and sys.stderr is sys.__stderr__:
        raw = _Lossy(sys.stderr.fileno(), "w", closefd=False)
        buffer = io.BufferedWriter(raw)
        sys.stderr = io.TextIOWrapper(buffer, sys.stderr.encoding, "backslashreplace", line_buffering=True)


def _open_nothing(number: int) -> None:
    """Give a closed stream's number to the null device, so that no other file gets it."""
    with contextlib.suppress(OSError):
        os.fstat(number)
        return
    nothing = os.open(os.devnull, os.O_RDWR)
    if nothing != number:
        os.dup2(nothing, number)
        os.close(nothing)


def end() -> None:
    """Write what standard output still holds; drop it where that fails, so that Python does not tell."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
