"""What the readers of picture folders share: finding files, and reading files of captions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from zoo_registry.contracts import Problem

PICTURE_ENDINGS = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})


def find_files(folder: Path, endings: frozenset[str]) -> Iterator[str]:
    """Paths below a folder, with "/", of the files with these endings; sorted, none hidden."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in endings:
                yield Path(place, name).relative_to(folder).as_posix()


def without_ending(file: str) -> str:
    """A file's path without its ending, where that is a picture's or a text's ("a.b" stays)."""
    stem, ending = os.path.splitext(file)
    return stem if ending.lower() in PICTURE_ENDINGS or ending.lower() == ".txt" else file


def tidy(caption: str) -> str:
    """A caption on one line, single spaces.

    U+FFFD, which Reed's captions hold where an earlier program met bytes that it could not read, is a space.
    """
    return " ".join(caption.replace("\ufffd", " ").split())


def read_captions(path: Path, file: str, problems: list[Problem]) -> tuple[str, ...]:
    """The captions of a text file, one a line; blank lines do not count. Faults go by the name `file`."""
    captions = []
    lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            captions.append(tidy(line.decode()))
        except UnicodeDecodeError:
            problems.append(Problem(file, f"line {number}: not UTF-8; the caption is left out"))
    captions = [caption for caption in captions if caption]
    if not captions:
        problems.append(Problem(file, "holds no caption; one a line is wanted"))
    return tuple(captions)
