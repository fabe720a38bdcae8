"""What the readers of stored data sets share: finding files, reading them, and reporting their problems."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path, PureWindowsPath
from typing import Any, TypeVar

from zoo_registry.contracts import Dataset, DataSource, Problem, Record
from zoo_registry.errors import ZooError

Json = TypeVar("Json", dict[str, Any], list[Any])

IMAGE_EXTENSIONS = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})


class Reader(Dataset):
    """A data set whose files are read once, when something is first asked of it.

    A reader of images in files has to say only `recognises` and `_read`.
    """

    def __init__(self, source: DataSource, /) -> None:
        self.source = source

    def splits(self) -> tuple[str, ...]:
        """Those that hold images."""
        return tuple(self._contents[0])

    def records(self, split: str) -> Sequence[Record]:
        """The images of a split, in a fixed order. ZooError if there is no such split."""
        if split not in self._contents[0]:
            there = ", ".join(self.splits()) or "none"
            raise ZooError(f"{self.source.argument}: no split {split!r}; there are: {there}")
        return self._contents[0][split]

    def problems(self) -> Sequence[Problem]:
        """Faults of the files, of the captions and of the split."""
        return self._contents[1]

    def fingerprint(self) -> str | None:
        """None: the files' content identifies the images."""
        return None

    @abstractmethod
    def _read(self, problems: list[Problem]) -> Mapping[str, Sequence[Record]]:
        """The records of each split. Faults are added to `problems`."""

    @cached_property
    def _contents(self) -> tuple[Mapping[str, tuple[Record, ...]], tuple[Problem, ...]]:
        problems: list[Problem] = []
        records = {split: tuple(found) for split, found in self._read(problems).items() if found}
        return records, tuple(problems)


class Stored(ABC):
    """An image inside a larger file: a record's `image`."""

    @abstractmethod
    def read(self) -> bytes:
        """The image's encoded bytes."""

    def __call__(self) -> bytes:
        """What a record's `image` gives: the bytes, which the engine decodes."""
        return self.read()


class StoredReader(Reader):
    """A reader whose records' images are `Stored`."""

    def fingerprint(self) -> str | None:
        """A hash of the images' names and bytes, the same wherever they lie and whatever their captions."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        def digest(record: Record) -> bytes:
            assert isinstance(record.image, Stored)
            return hashlib.blake2b(record.image.read(), digest_size=16).digest()

        records = [record for split in self.splits() for record in self.records(split)]
        whole = hashlib.blake2b(digest_size=16)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for record, part in zip(records, pool.map(digest, records), strict=True):
                whole.update(repr((record.name, part)).encode())
        return whole.hexdigest()


def library(module: str, use: str) -> Any:
    """A module of the extra `data`, imported. ZooError, with what installs it, where it is not there."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        name = module.partition(".")[0]
        raise ZooError(f"{use} needs {name}; install it with: pip install 't2i-zoo[data]'") from None


# ----------------------------------------------------------------------------------------------------
# Files and their names


def find_files(folder: Path, endings: frozenset[str]) -> Iterator[str]:
    """Paths below a folder, with "/", of the files with these endings; sorted, none hidden."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in endings:
                yield Path(place, name).relative_to(folder).as_posix()


def find(folder: Path, *names: str) -> Path | None:
    """The first of these files or folders that is there."""
    return next((folder / name for name in names if (folder / name).exists()), None)


def without_ending(file: str) -> str:
    """A file's path without its ending, where that is an image's or a text's ("a.b" stays)."""
    stem, ending = os.path.splitext(file)
    return stem if ending.lower() in IMAGE_EXTENSIONS or ending.lower() == ".txt" else file


def leads_out(file: str) -> bool:
    """Whether a path that a file names is not below the folder: absolute, with a drive, or climbing."""
    windows = PureWindowsPath(file)
    return bool(windows.drive or windows.root or ".." in windows.parts)


def by_name(place: Path, endings: frozenset[str], folder: Path, problems: list[Problem]) -> dict[str, Path]:
    """The files in a place by their path there, without the ending; two of one name are a problem."""
    files: dict[str, Path] = {}
    for file in find_files(place, endings):
        name = without_ending(file)
        if name in files:
            what = f"has the name of {files[name].name}; only that one is used"
            problems.append(Problem((place / file).relative_to(folder).as_posix(), what))
        else:
            files[name] = place / file
    return files


# ----------------------------------------------------------------------------------------------------
# Captions, lists and JSON


def tidy(caption: str) -> str:
    """A caption on one line, single spaces.

    U+FFFD, which Reed's captions hold where an earlier program met bytes that it could not read, is a space.
    """
    return " ".join(caption.replace("\ufffd", " ").split())


def texts_of(value: object) -> list[str]:
    """The texts in a value that is text, a list of texts or None, tidied; "" for a blank one.

    Raises ValueError, in words for the owner of the file, where it is something else.
    """
    values = [] if value is None else value if isinstance(value, list) else [value]
    texts = []
    for text in values:
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is not text")
        if not is_utf8(text):
            raise ValueError(f"{text!r} is not UTF-8")
        texts.append(tidy(text))
    return texts


def is_utf8(text: str) -> bool:
    """Whether a text can be written: names of files and JSON's escapes may hold halves of characters."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def read_lines(path: Path, file: str, problems: list[Problem], noun: str) -> Iterator[tuple[int, str]]:
    """The lines of a text file with their numbers, stripped; blank lines do not count.

    Faults go by the name `file`; `noun` says what a line holds.
    """
    lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode().strip()
        except UnicodeDecodeError:
            problems.append(Problem(file, f"line {number}: not UTF-8; the {noun} is left out"))
        else:
            if text:
                yield number, text


def read_captions(path: Path, file: str, problems: list[Problem]) -> tuple[str, ...]:
    """The captions of a text file, one per line; blank lines do not count. Faults go by the name `file`."""
    captions = [tidy(line) for _, line in read_lines(path, file, problems, "caption")]
    captions = [caption for caption in captions if caption]
    if not captions:
        problems.append(Problem(file, "holds no caption; expected one per line"))
    return tuple(captions)


def read_json(path: Path, file: str, kind: type[Json], expected: str, problems: list[Problem]) -> Json | None:
    """The object or list (`kind`) in a JSON file; None, and a problem, where there is none."""
    data = path.read_bytes()
    try:
        found = json.loads(data)
        if isinstance(found, kind):
            return found
        problems.append(Problem(file, f"expected {expected}, as published"))
    except UnicodeDecodeError:
        problems.append(Problem(file, "not UTF-8; save the file as UTF-8"))
    except (ValueError, RecursionError) as error:
        what = f"not JSON ({error})" if data else "the file is empty"
        problems.append(Problem(file, f"{what}; take it anew from where it is published"))
    return None


def read_split(
    lists: Mapping[str, Sequence[Path]],
    known: Mapping[str, Iterable[str]],
    noun: str,
    folder: Path,
    problems: list[Problem],
) -> dict[str, str]:
    """The split of each image, from files a split that list images or classes (`known`: theirs)."""
    listed: dict[str, str] = {}
    for split, paths in lists.items():
        for path in paths:
            file = path.relative_to(folder).as_posix()
            for number, entry in read_lines(path, file, problems, noun):
                if entry not in known:
                    problems.append(Problem(file, f"line {number}: there is no {noun} {entry!r}"))
                    continue
                other = next(
                    (listed[name] for name in known[entry] if listed.get(name, split) != split), None
                )
                if other is not None:
                    what = f"line {number}: {entry} is in the split {other!r} too; it stays there"
                    problems.append(Problem(file, what))
                else:
                    listed.update(dict.fromkeys(known[entry], split))
    return listed
