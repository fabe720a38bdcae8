"""Files that are whole or not there: written beside their place and moved in."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zoo_registry import ZooError


def write_text(path: Path, text: str) -> None:
    """Write a text file, replacing an old one in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def write_json(path: Path, data: Any) -> None:
    """Write JSON data, replacing an old file in one step."""
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def file_written_beside(target: Path) -> Iterator[Path]:
    """A new file of the same ending that takes the place of `target` when the block ends.

    It vanishes when the block fails. Raises `ZooError` where the folder takes no file.
    """
    try:
        number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}.", suffix=target.suffix)
    except OSError as error:
        raise ZooError(f"{target} cannot be written: {error.strerror}") from None
    os.close(number)
    beside = Path(name)
    beside.chmod(0o644)
    try:
        yield beside
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def folder_written_beside(target: Path) -> Iterator[Path]:
    """A new folder that takes the place of `target` when the block ends, and vanishes when it fails.

    Raises `ZooError` where no folder can be made.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise ZooError(f"{target} cannot be written: {error.strerror}") from None
    beside.chmod(0o755)
    old = beside.with_name(beside.name + ".old")
    try:
        yield beside
        if target.exists():
            os.replace(target, old)
        os.replace(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
