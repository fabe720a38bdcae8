"""What the readers of stored data sets share: finding files, reading them, and reporting their problems."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

from zoo_registry.contracts import Dataset, DataSource, Problem, Record
from zoo_registry.errors import ZooError
from zoo_registry.text import decode, read_bytes

Json = TypeVar("Json", dict[str, Any], list[Any])

# fmt: off
IMAGE_EXTENSIONS = frozenset((
    ".bmp", ".dib", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif",
    ".tiff", ".webp",
))
UNREAD_EXTENSIONS = frozenset((  # of images in formats that are not read
    ".ai", ".arw", ".avif", ".cr2", ".dng", ".eps", ".heic", ".heif", ".ico", ".j2k", ".jp2", ".jxl", ".nef",
    ".pcx", ".pdf", ".ps", ".psd", ".svg", ".tga",
))
TEXT_EXTENSIONS = frozenset((
    ".arrow", ".csv", ".json", ".jsonl", ".mat", ".parquet", ".pickle", ".tar", ".tsv", ".txt",
))
# fmt: on
SPLITS = ("train", "validation", "test")
SPLIT_NAMES = {"train": "train", "test": "test"} | dict.fromkeys(
    ("val", "valid", "validation", "dev"), "validation"
)
"""The split by the name of a folder or a shard."""


class Reader(Dataset):
    """A data set whose files are read once, when something is first asked of it.

    A reader of images in files has to say only `recognises` and `_read`.
    """

    def __init__(self, source: DataSource, /) -> None:
        self.source = source
        self._members: Counter[str] = Counter()  # of no use in archives, by what they are

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

    def passed_over(self) -> Mapping[str, int]:
        """How many files of the folder are of no use here, by what they are."""
        return self._passed_over

    @cached_property
    def _passed_over(self) -> Mapping[str, int]:
        records, problems = self._contents
        counts = Counter(self._members)
        folder = self.source.folder
        if self.source.argument and folder.is_dir():
            used = {record.image for found in records.values() for record in found}
            reported = {problem.file for problem in problems}
            for path in walk(folder):
                name = path.relative_to(folder).as_posix()
                if path not in used and normal(name) not in reported and (kind := _unused(name)):
                    counts[kind] += 1
        return dict(sorted(counts.items()))

    @cached_property
    def _contents(self) -> tuple[Mapping[str, tuple[Record, ...]], tuple[Problem, ...]]:
        problems: list[Problem] = []
        records = {split: tuple(found) for split, found in self._read(problems).items() if found}
        folder = self.source.folder
        if self.source.argument and folder.is_dir():
            problems += _unread(folder)
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


def walk(folder: Path) -> Iterator[Path]:
    """All files below a folder, sorted, hidden ones too.

    Links to folders elsewhere are followed, to each once; not those to a folder that holds this one.
    """
    root, seen = folder.resolve(), set[Path]()

    def followed(path: Path) -> bool:
        if not path.is_symlink():
            return True
        target = path.resolve()
        if target.is_relative_to(root) or root.is_relative_to(target) or target in seen:
            return False
        seen.add(target)
        return True

    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in sorted(folders) if followed(Path(place, name))]
        yield from (Path(place, name) for name in sorted(files))


def normal(file: str) -> str:
    r"""A path as it is compared: letters in normal form C (macOS splits them), "/" for Windows's "\"."""
    return unicodedata.normalize("NFC", file.replace("\\", "/"))


def hidden(file: str) -> bool:
    """Whether a file or a folder on its path is hidden, or made by macOS in archives."""
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(file).parts)


def find_files(folder: Path, endings: frozenset[str]) -> Iterator[str]:
    """Paths below a folder, with "/", of the files with these endings; sorted, none hidden."""
    for path in walk(folder):
        file = path.relative_to(folder).as_posix()
        if path.suffix.lower() in endings and not hidden(file):
            yield file


class Files(Mapping[str, Path]):
    """The files below a folder by their path there, as people write it.

    A path is found by its normal form, and in other letter case where that is one file's alone.
    """

    def __init__(self, folder: Path, endings: frozenset[str]) -> None:
        self._paths = {normal(file): folder / file for file in find_files(folder, endings)}
        self._folded: dict[str, str | None] = {}
        for name in self._paths:
            self._folded[name.casefold()] = None if name.casefold() in self._folded else name

    def name(self, file: str) -> str | None:
        """The name of a file here; None where it is not here."""
        name = normal(file)
        return name if name in self._paths else self._folded.get(name.casefold())

    def __getitem__(self, name: str) -> Path:
        return self._paths[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _unused(file: str) -> str | None:
    """What a file is that no reader reads; None where it may hold captions or is reported as a problem."""
    ending = os.path.splitext(file)[1].lower()
    if hidden(file):
        return "hidden files"
    if ending in IMAGE_EXTENSIONS:
        return "images of no split"
    if ending in TEXT_EXTENSIONS or ending in UNREAD_EXTENSIONS:
        return None
    return f"{ending} files" if ending else "files without an extension"


def _unread(folder: Path) -> list[Problem]:
    """Images in formats that are not read, a problem for each format."""
    files: dict[str, list[str]] = {}
    for file in find_files(folder, UNREAD_EXTENSIONS):
        files.setdefault(os.path.splitext(file)[1].lower(), []).append(file)
    return [
        Problem(
            names[0], f"{len(names)} files of the format {ending} are not read, this one first; save as .png"
        )
        for ending, names in files.items()
    ]


def find(folder: Path, *names: str) -> Path | None:
    """The first of these files or folders that is there."""
    return next((folder / name for name in names if (folder / name).exists()), None)


def without_ending(file: str) -> str:
    """A file's path without its ending, where that is an image's or a text's ("a.b" stays)."""
    stem, ending = os.path.splitext(file)
    return stem if ending.lower() in IMAGE_EXTENSIONS or ending.lower() == ".txt" else file


def in_split(name: str) -> tuple[str, str]:
    """The split that the first folder of a path names, and the path below it; else "train" and all of it."""
    first, slash, rest = name.partition("/")
    return (SPLIT_NAMES[first], rest) if slash and first in SPLIT_NAMES else ("train", name)


def leads_out(file: str) -> bool:
    """Whether a path that a file names is not below the folder: absolute, with a drive, or climbing."""
    windows = PureWindowsPath(file)
    return bool(windows.drive or windows.root or ".." in windows.parts)


def by_name(place: Path, endings: frozenset[str], folder: Path, problems: list[Problem]) -> dict[str, Path]:
    """The files in a place by their path there, without the ending; two of one name are a problem."""
    files: dict[str, Path] = {}
    for file in find_files(place, endings):
        name = normal(without_ending(file))
        if name in files:
            what = f"has the name of {files[name].name}; only that one is used"
            problems.append(Problem((place / file).relative_to(folder).as_posix(), what))
        else:
            files[name] = place / file
    return files


# ----------------------------------------------------------------------------------------------------
# Captions, lists and JSON


def tidy(caption: str) -> str:
    """A caption on one line, single spaces, letters in normal form C.

    U+FFFD, which Reed's captions hold where an earlier program met bytes that it could not read, is a space.
    """
    return unicodedata.normalize("NFC", " ".join(caption.replace("\ufffd", " ").split()))


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


def read(path: Path, file: str, problems: list[Problem]) -> bytes:
    """The bytes of a file; none, and a problem, where it cannot be read. Faults go by the name `file`."""
    try:
        return read_bytes(path)
    except OSError as error:
        problems.append(Problem(file, f"cannot be read: {error.strerror}"))
        return b""


def read_lines(path: Path, file: str, problems: list[Problem], noun: str) -> Iterator[tuple[int, str]]:
    """The lines of a text file with their numbers, stripped; blank lines do not count.

    Faults go by the name `file`; `noun` says what a line holds.
    """
    for number, line in enumerate(decode(read(path, file, problems), "surrogateescape").split("\n"), start=1):
        if not is_utf8(line):
            problems.append(Problem(file, f"line {number}: not UTF-8; the {noun} is left out"))
        elif text := line.strip():
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
    data = read(path, file, problems)
    try:
        found = json.loads(decode(data))
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
