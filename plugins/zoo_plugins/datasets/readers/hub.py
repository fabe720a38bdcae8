"""Data sets of the Hugging Face Hub, and those that its library `datasets` saved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from zoo_registry.contracts import DataSource, Problem, Record
from zoo_registry.errors import ZooError, first_line
from zoo_registry.text import expanded

from .metadata import CAPTION_COLUMNS, CLASS_COLUMNS
from .reader import Stored, StoredReader, library, texts_of

REPOSITORY = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
SAVED = ("dataset_dict.json", "state.json")


@dataclass(frozen=True)
class Cell(Stored):
    """An image in a table."""

    table: Any  # datasets.Dataset
    row: int

    def read(self) -> bytes:
        """The image's encoded bytes, from the table or from the file that it names."""
        (cell,) = self.table[self.row].values()
        if isinstance(cell, bytes):
            return cell
        return bytes(cell["bytes"]) if cell["bytes"] is not None else Path(cell["path"]).read_bytes()


class HubDataset(StoredReader):
    """A data set by its name on the Hub, a folder that `save_to_disk` wrote, or one of .parquet files.

    The image's column is the one whose type says so, called image where there are several. Captions are the
    columns of text, or of lists of text, that are called captions, text, caption, sentences, sentence,
    descriptions, description or prompt, else the only one of text. The class is class or label. Splits keep
    their names; a set without any is "train". Images that are files have to lie in the folder or in the
    library's cache. Raises ZooError where the set cannot be loaded or a column is not found.
    """

    folder_layout: ClassVar[str] = "a data set as Hugging Face's save_to_disk writes it, or .parquet files"
    metavar: ClassVar[str] = "NAME"

    @classmethod
    def title(cls, argument: str) -> str | None:
        """Its name on the Hub, or that of a local folder."""
        return Path(argument).name if expanded(argument).exists() else argument

    def __init__(self, source: DataSource, /) -> None:
        super().__init__(source)
        if not (source.argument and source.folder.is_dir()) and not REPOSITORY.fullmatch(source.argument):
            raise ZooError(
                f"hf:{source.argument}: there is no such folder, and it is no name of a data set on "
                "huggingface.co, like org/name"
            )

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether the library saved this folder, or there are .parquet files in it or in its data."""
        parquet = (path for place in (folder, folder / "data") for path in place.glob("*.parquet"))
        return _saved(folder) or next(parquet, None) is not None

    def _read(self, problems: list[Problem]) -> Mapping[str, Sequence[Record]]:
        tables = _load(self.source)
        return {
            str(split): list(_records(self.source, table, str(split), problems))
            for split, table in tables.items()
        }


def _saved(folder: Path) -> bool:
    return any((folder / name).is_file() for name in SAVED)


def _load(source: DataSource) -> Mapping[str, Any]:
    """The tables of the splits."""
    datasets = library("datasets", f"hf:{source.argument}")
    folder = source.folder
    try:
        if _saved(folder):
            found = datasets.load_from_disk(str(folder))
        else:
            found = datasets.load_dataset(str(folder) if folder.is_dir() else source.argument)
    except Exception as error:  # the library and its transports raise dozens of types
        if folder.is_dir():
            hint = "expected a folder that save_to_disk wrote, or one of .parquet files"
        elif isinstance(error, ConnectionError):
            hint = "the Hub cannot be reached; offline, hf:DIR reads a set that save_to_disk wrote"
        else:
            hint = "expected a data set's name on huggingface.co, or a folder of one"
        raise ZooError(f"hf:{source.argument} cannot be read: {first_line(error)}\n{hint}") from error
    return found if isinstance(found, dict) else {"train": found}


def _records(source: DataSource, table: Any, split: str, problems: list[Problem]) -> Iterator[Record]:
    image = _image_column(table, source)
    captions = _caption_columns(table, source)
    label = next((column for column in CLASS_COLUMNS if column in table.column_names), None)
    names = getattr(table.features[label], "names", None) if label else None
    images = table.select_columns([image])
    if _is_image(table.features[image]):
        images = images.cast_column(image, replace(table.features[image], decode=False))
    texts = table.select_columns([*captions, label] if label else captions)
    unreadable = _image_errors(images, image, source.folder)
    for row, (cells, image_error) in enumerate(zip(texts, unreadable, strict=True)):
        try:
            found = [text for column in captions for text in texts_of(cells[column])]
        except ValueError as error:
            problems.append(Problem(split, f"row {row}: the caption {error}"))
            continue
        kept = tuple(dict.fromkeys(text for text in found if text))
        if image_error:
            problems.append(Problem(split, f"row {row}: {image_error}"))
        elif not kept:
            problems.append(Problem(split, f"row {row}: no caption in {' or '.join(captions)}"))
        else:
            value = cells[label] if label else None
            yield Record(f"{split}/{row:08}", Cell(images, row), kept, label=_label(value, names))


def _image_errors(images: Any, image: str, folder: Path) -> Iterator[str]:
    """What is wrong with each row's image, "" for nothing, without loading the images."""
    compute = library("pyarrow.compute", "a table")
    config = library("datasets.config", "a table")
    roots = [Path(place).resolve() for place in (folder, config.HF_CACHE_HOME, config.HF_DATASETS_CACHE)]
    column = images.with_format("arrow")[:][image]
    named = not _is_bytes(images.features[image])  # {bytes, path}
    sizes = compute.binary_length(compute.struct_field(column, "bytes") if named else column)
    files = compute.struct_field(column, "path").to_pylist() if named else [None] * len(column)
    for size, file in zip(sizes.to_pylist(), files, strict=True):
        yield ("" if size else "the image is empty") if size is not None else _file_error(file, roots)


def _file_error(file: str | None, roots: Sequence[Path]) -> str:
    if file is None:
        return "there is no image"
    path = Path(file).resolve()
    if not any(path.is_relative_to(root) for root in roots):
        return f"the image {file!r} is neither in the folder nor in the library's cache"
    return "" if path.is_file() else f"the image {file!r} is missing"


def _image_column(table: Any, source: DataSource) -> str:
    """The column of images: of the type Image, or, from other writers, {bytes, path} or bytes."""
    pairs = [column for column, kind in table.features.items() if isinstance(kind, dict)]
    ways = (
        [column for column, kind in table.features.items() if _is_image(kind)],
        [column for column in pairs if set(table.features[column]) == {"bytes", "path"}],
        [column for column, kind in table.features.items() if _is_bytes(kind)],
    )
    found = next(filter(None, ways), [])
    if len(found) == 1 or "image" in found:
        return found[0] if len(found) == 1 else "image"
    raise ZooError(
        f"hf:{source.argument}: of the columns {', '.join(table.column_names)} "
        f"{', '.join(found) or 'none'} can be the images; expected one, or one called image"
    )


def _caption_columns(table: Any, source: DataSource) -> list[str]:
    """The columns of captions: those called so, or the only one of text."""
    texts = [
        column
        for column, kind in table.features.items()
        if column not in CLASS_COLUMNS
        and _dtype(getattr(kind, "feature", kind)) in ("string", "large_string")
    ]
    called = [column for column in CAPTION_COLUMNS if column in texts]
    if called or len(texts) == 1:
        return called or texts
    raise ZooError(
        f"hf:{source.argument}: of the columns {', '.join(table.column_names)} none is known to hold "
        "captions; call it captions (lists of texts) or text"
    )


def _dtype(kind: Any) -> Any:
    return getattr(kind, "dtype", None)


def _is_image(kind: Any) -> bool:
    return _dtype(kind) == "PIL.Image.Image"


def _is_bytes(kind: Any) -> bool:
    return _dtype(kind) in ("binary", "large_binary")


def _label(value: Any, names: list[str] | None) -> str | None:
    """The class of a row, by its name where the column has names; -1 there means that there is none."""
    if value is None or value == "":
        return None
    if names is not None:
        return names[value] if value >= 0 else None
    return str(value)
