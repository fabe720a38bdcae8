"""Images with a metadata.jsonl or metadata.csv, the imagefolder of Hugging Face datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from zoo_registry.contracts import Problem, Record

from .metadata import Row, RowError, read_csv, read_jsonl
from .reader import IMAGE_EXTENSIONS, Reader, find_files, without_ending

SPLITS = ("train", "validation", "test")
READERS = {"metadata.jsonl": read_jsonl, "metadata.csv": read_csv}


class ImageFolder(Reader):
    """Images in a folder, or in its subfolders train, validation and test; all are "train" without these.

    A row of the metadata names its image (`file_name`, below the folder of the metadata) and its captions,
    as text or as a list of texts: `captions`, then what `text` and `caption` add. Rows for one image add
    up. A row may have a `class` (or `label`), `attributes`, an object of texts, and `stated`, a list of the
    attributes that each caption mentions.
    """

    folder_layout: ClassVar[str] = (
        "images and metadata.jsonl or metadata.csv with file_name and text, maybe by split"
    )

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether there is metadata in the folder or in a split's."""
        return bool(_metadata_files(folder))

    def _read(self, problems: list[Problem]) -> Mapping[str, Sequence[Record]]:
        folder = self.source.folder
        rows = _read_rows(folder, problems)
        names = _names(rows)
        records: dict[str, dict[str, Record]] = {split: {} for split in SPLITS}
        for file, row in rows.items():
            split, name = _split(file), names[file]
            if name in records[split]:
                problems.append(
                    Problem(file, "another image has this name with another ending; only that one is used")
                )
            elif row.captions:
                records[split][name] = Record(
                    name,
                    folder / file,
                    row.captions,
                    row.label,
                    attributes=row.attributes,
                    stated=row.stated,
                )
        return {split: list(found.values()) for split, found in records.items()}


def _metadata_files(folder: Path) -> list[str]:
    places = ("", *(f"{split}/" for split in SPLITS))
    return [place + file for place in places for file in READERS if (folder / place / file).is_file()]


def _split(file: str) -> str:
    first, slash, _ = file.partition("/")
    return first if slash and first in SPLITS else "train"


def _names(rows: Mapping[str, Row]) -> dict[str, str]:
    """A record's name by its file: without the split's folder, unless two splits share an image's name."""
    full = {file: without_ending(file) for file in rows}
    short = {file: name.removeprefix(f"{_split(file)}/") for file, name in full.items()}
    return short if len(set(short.values())) == len(set(full.values())) else full


def _read_rows(folder: Path, problems: list[Problem]) -> dict[str, Row]:
    """What the metadata says of each image, by its path below the folder."""
    files = _metadata_files(folder)
    if not files:
        problems.append(
            Problem("metadata.jsonl", "missing; expected one object per line, with file_name and text")
        )
        return {}
    images = dict.fromkeys(find_files(folder, IMAGE_EXTENSIONS))
    rows: dict[str, Row] = {}
    for metadata in files:
        place, _, kind = metadata.rpartition("/")
        for number, row in READERS[kind]((folder / metadata).read_bytes()):
            if isinstance(row, RowError):
                problems.append(Problem(metadata, f"line {number}: {row}"))
                continue
            file = f"{place}/{row.file}" if place else row.file
            if file not in images:
                problems.append(Problem(metadata, f"line {number}: there is no image {file}"))
            elif file in rows:
                rows[file] = rows[file].joined(row)
            else:
                rows[file] = row
            if not row.captions:
                problems.append(Problem(metadata, f"line {number}: no caption for {file}"))
    problems += [
        Problem(file, "image without captions; no metadata names it") for file in images if file not in rows
    ]
    return rows
