"""Rows of metadata.jsonl and metadata.csv, as the Hugging Face imagefolder has them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from zoo_registry.text import decode

from .reader import is_utf8, leads_out, normal, tidy

# fmt: off
CAPTION_COLUMNS = (
    "captions", "text", "caption", "sentences", "sentence", "descriptions", "description", "prompt",
)
# fmt: on
CLASS_COLUMNS = ("class", "label")


class Row(NamedTuple):
    """One line that can be used."""

    file: str  # below the folder of the metadata, normal form
    captions: tuple[str, ...]  # maybe empty
    label: str | None
    attributes: Mapping[str, str]
    stated: tuple[frozenset[str], ...] | None  # of each caption, the attributes it mentions

    @classmethod
    def joined(cls, rows: Sequence[Row]) -> Row:
        """The first of an image's rows, with the captions that the others add."""
        new: dict[str, frozenset[str]] = {}
        for row in rows:
            for caption, stated in zip(row.captions, row.stated or repeat(frozenset()), strict=False):
                new.setdefault(caption, stated)
        complete = all(row.stated is not None for row in rows)
        return rows[0]._replace(captions=tuple(new), stated=tuple(new.values()) if complete else None)


class RowError(Exception):
    """Why a line cannot be used, and what would be right."""


def read_jsonl(data: bytes) -> Iterator[tuple[int, Row | RowError]]:
    """The rows of a metadata.jsonl with their line numbers; blank lines do not count."""
    for number, line in enumerate(decode(data, "surrogateescape").split("\n"), start=1):
        if not is_utf8(line):
            yield number, RowError("not UTF-8; save the file as UTF-8")
        elif line.strip():
            try:
                yield number, _row(json.loads(line))
            except (ValueError, RecursionError) as error:
                yield number, RowError(f"not JSON ({error}); expected one object per line")
            except RowError as error:
                yield number, error


def read_csv(data: bytes) -> Iterator[tuple[int, Row | RowError]]:
    """The rows of a metadata.csv with their last lines' numbers. A cell may hold a JSON list of captions."""
    rows = csv.DictReader(io.StringIO(decode(data, "surrogateescape"), newline=""), restval="")
    try:
        columns = rows.fieldnames or ()
        if "file_name" not in columns or set(columns).isdisjoint(CAPTION_COLUMNS):
            expected = "file_name and one of " + ", ".join(CAPTION_COLUMNS)
            found = ", ".join(map(repr, sorted(columns))) or "none"
            yield 1, RowError(f"the columns are {found}; expected {expected}")
            return
        for cells in rows:
            if None in cells:  # what follows the last column
                what = f"{len(columns) + len(cells[None])} cells for {len(columns)} columns"
                yield rows.line_num, RowError(f"{what}; write a text that holds commas in quotes")
                continue
            try:
                yield rows.line_num, _row({key: _cell(key, value) for key, value in cells.items() if value})
            except RowError as error:
                yield rows.line_num, error
    except csv.Error as error:
        yield rows.line_num, RowError(f"not CSV ({error}); the lines from here on are not read")


def _cell(column: str, value: str) -> Any:
    """What a CSV cell holds: JSON where the column may hold a list or an object, else the text."""
    if (column in CAPTION_COLUMNS and value.startswith("[")) or column in ("attributes", "stated"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            if value.startswith(("['", '["')):
                raise RowError(f'{column} holds {value[:40]!r}, no JSON; expected ["…", "…"]') from None
            return value
    return value


def _row(row: Any) -> Row:
    if not isinstance(row, dict):
        raise RowError("not an object with file_name and captions")
    file = row.get("file_name")
    if not isinstance(file, str) or not file:
        raise RowError("no file_name")
    _check_text("file_name", file)
    if leads_out(file):
        raise RowError(f"file_name {file!r} leads out of the folder; expected a path below it")
    captions = dict.fromkeys(
        caption for column in CAPTION_COLUMNS for caption in _captions(column, row.get(column))
    )
    labels = (row[column] for column in CLASS_COLUMNS if row.get(column) not in (None, ""))
    return Row(
        PurePosixPath(normal(file)).as_posix(),
        tuple(captions),
        _label(next(labels, None)),
        _attributes(row),
        _stated(row, len(captions)),
    )


def _captions(column: str, value: Any) -> list[str]:
    values = [] if value is None else value if isinstance(value, list) else [value]
    for caption in values:
        if not isinstance(caption, str):
            raise RowError(f"{column} holds {caption!r}; expected text or a list of texts")
        _check_text(column, caption)
    return [caption for caption in map(tidy, values) if caption]


def _label(value: Any) -> str | None:
    if value is not None and not isinstance(value, str | int):
        raise RowError(f"the class {value!r} is neither text nor a number")
    if isinstance(value, str):
        _check_text("the class", value)
    return None if value is None else str(value)


def _attributes(row: Mapping[str, Any]) -> Mapping[str, str]:
    attributes = row.get("attributes") or {}
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        raise RowError("attributes is not an object of texts")
    for name, value in attributes.items():
        _check_text("attributes", name + value)
    return attributes


def _stated(row: Mapping[str, Any], captions: int) -> tuple[frozenset[str], ...] | None:
    stated = row.get("stated")
    if stated is None:
        return None
    lists: list[Any] = stated if isinstance(stated, list) else [None]
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in lists):
        raise RowError("stated is not a list with a list of attributes for each caption")
    if len(lists) != captions:
        raise RowError(f"stated has {len(lists)} lists for {captions} captions; expected one for each")
    for names in lists:
        _check_text("stated", "".join(names))
    return tuple(map(frozenset, lists))


def _check_text(column: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RowError(f"{column} is not UTF-8; save the file as UTF-8") from None
