"""Images with a metadata.jsonl or metadata.csv, the imagefolder of Hugging Face datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from zoo_registry.contracts import Problem, Record

from .metadata import CAPTION_COLUMNS, Row, RowError, read_csv, read_jsonl
from .reader import (
    IMAGE_EXTENSIONS,
    SPLIT_NAMES,
    SPLITS,
    Files,
    Reader,
    hidden,
    in_split,
    read,
    walk,
    without_ending,
)

READERS = {"metadata.jsonl": read_jsonl, "metadata.csv": read_csv}


class ImageFolder(Reader):
    """Images in a folder or in its subfolders train, validation (val, valid, dev) and test.

    All are "train" where there are none of these. Metadata may be in the folder and in any below it. A row
    names its image (`file_name`, below the folder of the metadata) and its captions, as text or as a list of
    texts: `captions`, then what `text`, `caption`, `sentences`, `sentence`, `descriptions`, `description` and
    `prompt` add. Rows for one image add up. A row may have a `class` (or `label`), `attributes`, an object of
    texts, and `stated`, a list of the attributes that each caption mentions.
    """

    folder_layout: ClassVar[str] = (
        "images and metadata.jsonl or metadata.csv with file_name and text, maybe by split"
    )

    @classmethod
    def title(cls, argument: str) -> str | None:
        """The folder's name: the layout says nothing of whose images they are."""
        return Path(argument).name or None

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether there is metadata in the folder or in a split's."""
        return any((folder / place / file).is_file() for place in ("", *SPLIT_NAMES) for file in READERS)

    def _read(self, problems: list[Problem]) -> Mapping[str, Sequence[Record]]:
        folder = self.source.folder
        images = Files(folder, IMAGE_EXTENSIONS)
        rows = _read_rows(folder, images, problems)
        names = _names(rows)
        records: dict[str, dict[str, Record]] = {split: {} for split in SPLITS}
        for file, row in rows.items():
            split, name = in_split(file)[0], names[file]
            if name in records[split]:
                problems.append(
                    Problem(file, "another image has this name with another ending; only that one is used")
                )
            elif row.captions:
                records[split][name] = Record(
                    name,
                    images[file],
                    row.captions,
                    row.label,
                    attributes=row.attributes,
                    stated=row.stated,
                )
        return {split: list(found.values()) for split, found in records.items()}


def _metadata_files(folder: Path) -> list[str]:
    found = (path.relative_to(folder).as_posix() for path in walk(folder) if path.name in READERS)
    return sorted((file for file in found if not hidden(file)), key=lambda file: (file.count("/"), file))


def _names(rows: Mapping[str, Row]) -> dict[str, str]:
    """A record's name by its file: without the split's folder, unless two splits share an image's name."""
    full = {file: without_ending(file) for file in rows}
    short = {file: in_split(name)[1] for file, name in full.items()}
    return short if len(set(short.values())) == len(set(full.values())) else full


def _read_rows(folder: Path, images: Files, problems: list[Problem]) -> dict[str, Row]:
    """What the metadata says of each image, by its path below the folder."""
    files = _metadata_files(folder)
    if not files:
        problems.append(
            Problem("metadata.jsonl", "missing; expected one object per line, with file_name and text")
        )
        return {}
    rows: dict[str, list[Row]] = {}
    for metadata in files:
        place, _, kind = metadata.rpartition("/")
        for number, row in READERS[kind](read(folder / metadata, metadata, problems)):
            if isinstance(row, RowError):
                problems.append(Problem(metadata, f"line {number}: {row}"))
                continue
            written = f"{place}/{row.file}" if place else row.file
            file = images.name(written)
            if file is None:
                problems.append(Problem(metadata, f"line {number}: there is no image {written}"))
            else:
                rows.setdefault(file, []).append(row)
            if not row.captions:
                what = (
                    f"line {number}: no caption for {written}; expected one of {', '.join(CAPTION_COLUMNS)}"
                )
                problems.append(Problem(metadata, what))
    problems += [
        Problem(file, "image without captions; no metadata names it") for file in images if file not in rows
    ]
    return {file: Row.joined(found) for file, found in rows.items()}
