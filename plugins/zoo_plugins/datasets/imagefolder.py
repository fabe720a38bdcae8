"""Pictures with a metadata.jsonl or metadata.csv, the imagefolder of Hugging Face datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple

from zoo_registry.contracts import Dataset, DataSource, Problem, Record
from zoo_registry.errors import ZooError

from .files import PICTURE_ENDINGS, find_files, without_ending
from .metadata import Row, RowError, read_csv, read_jsonl

SPLITS = ("train", "validation", "test")
READERS = {"metadata.jsonl": read_jsonl, "metadata.csv": read_csv}


class _Contents(NamedTuple):
    records: Mapping[str, tuple[Record, ...]]
    problems: tuple[Problem, ...]


class ImageFolder(Dataset):
    """Pictures in a folder, or in its subfolders train, validation and test; all are "train" without these.

    A row of the metadata names its picture (`file_name`, below the folder of the metadata) and its captions,
    as text or as a list of texts: `captions`, then what `text` and `caption` add. Rows for one picture add
    up. A row may have a `class` (or `label`) and `attributes`, an object of texts.
    """

    folder_layout: ClassVar[str] = (
        "pictures and metadata.jsonl or metadata.csv with file_name and text, maybe by split"
    )

    def __init__(self, source: DataSource, /) -> None:
        self.source = source

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether there is metadata in the folder or in a split's."""
        return bool(_metadata_files(folder))

    def splits(self) -> tuple[str, ...]:
        """Those of "train", "validation" and "test" that hold pictures."""
        return tuple(self._contents.records)

    def records(self, split: str) -> Sequence[Record]:
        """The pictures of a split as the metadata lists them. ZooError if there is no such split."""
        if split not in self._contents.records:
            raise ZooError(
                f"{self.source.folder}: no split {split!r}; there are: {', '.join(self.splits()) or 'none'}"
            )
        return self._contents.records[split]

    def problems(self) -> Sequence[Problem]:
        """RowErrors of the metadata, and pictures without captions."""
        return self._contents.problems

    def fingerprint(self) -> str | None:
        """None: the files' content identifies the pictures."""
        return None

    @cached_property
    def _contents(self) -> _Contents:
        folder = self.source.folder
        problems: list[Problem] = []
        rows = _read_rows(folder, problems)
        names = _names(rows)
        records: dict[str, dict[str, Record]] = {split: {} for split in SPLITS}
        for file, row in rows.items():
            split, name = _split(file), names[file]
            if name in records[split]:
                problems.append(
                    Problem(file, "another picture has this name with another ending; only that one is used")
                )
            elif row.captions:
                record = Record(name, folder / file, row.captions, row.label, attributes=row.attributes)
                records[split][name] = record
        return _Contents(
            {split: tuple(found.values()) for split, found in records.items() if found}, tuple(problems)
        )


def _metadata_files(folder: Path) -> list[str]:
    places = ("", *(f"{split}/" for split in SPLITS))
    return [place + file for place in places for file in READERS if (folder / place / file).is_file()]


def _split(file: str) -> str:
    first, slash, _ = file.partition("/")
    return first if slash and first in SPLITS else "train"


def _names(rows: Mapping[str, Row]) -> dict[str, str]:
    """A record's name by its file: without the split's folder, unless two splits share a picture's name."""
    full = {file: without_ending(file) for file in rows}
    short = {file: name.removeprefix(f"{_split(file)}/") for file, name in full.items()}
    return short if len(set(short.values())) == len(set(full.values())) else full


def _read_rows(folder: Path, problems: list[Problem]) -> dict[str, Row]:
    """What the metadata says of each picture, by its path below the folder."""
    files = _metadata_files(folder)
    if not files:
        problems.append(
            Problem("metadata.jsonl", "missing; one object a line is wanted, with file_name and text")
        )
        return {}
    pictures = dict.fromkeys(find_files(folder, PICTURE_ENDINGS))
    rows: dict[str, Row] = {}
    for metadata in files:
        place, _, kind = metadata.rpartition("/")
        for number, row in READERS[kind]((folder / metadata).read_bytes()):
            if isinstance(row, RowError):
                problems.append(Problem(metadata, f"line {number}: {row}"))
                continue
            file = f"{place}/{row.file}" if place else row.file
            if file not in pictures:
                problems.append(Problem(metadata, f"line {number}: there is no picture {file}"))
            elif file in rows:
                more = tuple(caption for caption in row.captions if caption not in rows[file].captions)
                rows[file] = rows[file]._replace(captions=rows[file].captions + more)
            else:
                rows[file] = row
            if not row.captions:
                problems.append(Problem(metadata, f"line {number}: no caption for {file}"))
    problems += [
        Problem(file, "picture without captions; no metadata names it")
        for file in pictures
        if file not in rows
    ]
    return rows
