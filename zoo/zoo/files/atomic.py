"""Files and folders that are whole or not there, also after a power cut.

Each is written beside its place, synced, moved in, and the folder that holds it is synced. What a killed
process leaves is hidden and called `.NAME.XXXX.part`, so that it can be swept.
"""

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

from safetensors import SafetensorError

from zoo_registry import ZooError

_PART = ".part"


class WriteError(ZooError):
    """A file that cannot be written: the disk is full, the place takes no files."""


def write_text(path: Path, text: str) -> None:
    """Write a text file, and the folders that it needs, replacing an old file in one step."""
    with _write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with file_written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    """Write JSON data, replacing an old file in one step."""
    write_text(path, as_json(data))


def as_json(data: Any) -> str:
    """JSON data as it stands in a file."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


@contextmanager
def file_written_beside(target: Path) -> Iterator[Path]:
    """A new file of the same ending that takes the place of `target` when the block ends.

    It vanishes when the block fails; its folder is made where there is none. Raises `WriteError` where it
    cannot be written.
    """
    with _write_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.stem}.", suffix=_PART + target.suffix
        )
        os.close(number)
    beside = Path(name)
    try:
        with _write_errors(target, beside):
            beside.chmod(0o644)
            yield beside
            _sync(beside)
            os.replace(beside, target)
            _sync(target.parent)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def folder_written_beside(target: Path) -> Iterator[Path]:
    """A new folder that takes the place of `target` when the block ends, and vanishes when it fails.

    Raises `WriteError` where it cannot be written.
    """
    with _write_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = _hidden_folder(target)
    try:
        with _write_errors(target, beside):
            beside.chmod(0o755)
            yield beside
            for folder, _, names in os.walk(beside):
                for name in (*names, ""):
                    _sync(Path(folder, name))
            if target.exists():
                remove_folder(target)
            os.replace(beside, target)
            _sync(target.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def remove_folder(target: Path) -> None:
    """Remove a folder in one step."""
    hidden = _hidden_folder(target)
    os.replace(target, hidden)
    shutil.rmtree(hidden)


def sweep(folder: Path) -> None:
    """Remove what killed processes left of writing in a folder and those below."""
    for left in sorted(folder.rglob(f".*{_PART}*"), reverse=True):  # what a folder holds before the folder
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()


def make_folder(folder: Path) -> None:
    """Make a folder and those that it is in, where they are not there."""
    with _write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


def append(path: Path, text: str) -> None:
    """Add to a text file, which is not synced."""
    with _write_errors(path), path.open("a", encoding="utf-8") as file:
        file.write(text)


def sync_appended(path: Path) -> None:
    """Make sure that what was appended to a file survives a power cut."""
    with _write_errors(path):
        _sync(path)


def sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hidden_folder(target: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=_PART))


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _write_errors(target: Path, beside: Path | None = None) -> Iterator[None]:
    """Raise `WriteError` for what stops a file from being written, as a full disk.

    beside: what is written; an error about another file is not about writing.
    """
    try:
        yield
    except OSError as error:
        other = beside is not None and error.filename and not str(error.filename).startswith(str(beside))
        if error.errno is None or other:
            raise
        raise WriteError(f"{target} cannot be written: {error.strerror}") from None
    except SafetensorError as error:  # what safetensors makes of them
        raise WriteError(f"{target} cannot be written: {error}") from None
