"""Writes a data set as the Hugging Face imagefolder: PNG files and a metadata.jsonl a split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zoo_registry.contracts import Dataset, Record
from zoo_registry.errors import ZooError
from zoo_registry.text import expanded

from ..files import folder_written_beside
from .decode import open_image
from .threads import Progress, in_threads


def make(dataset: Dataset, folder: Path, progress: Progress | None = None) -> None:
    """Write all splits below `folder`, which the reader `folder` gives back as the same records.

    `text` is the first caption, `captions` all; `stated` lists of each what attributes it tells. Raises
    ZooError where the folder holds something already; an interrupted run leaves no folder.
    """
    folder = expanded(folder).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ZooError(f"{folder} is there already and not empty; name a new folder")
    with folder_written_beside(folder) as beside:
        records = [
            (beside / split, record) for split in dataset.splits() for record in dataset.records(split)
        ]
        for _ in in_threads(_save, records, progress):
            pass
        for split in dataset.splits():
            lines = [json.dumps(_row(record), ensure_ascii=False) for record in dataset.records(split)]
            (beside / split / "metadata.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def _save(item: tuple[Path, Record]) -> None:
    folder, record = item
    path = folder / f"{record.name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    open_image(record).save(path)


def _row(record: Record) -> dict[str, Any]:
    row: dict[str, Any] = {"file_name": f"{record.name}.png", "text": record.captions[0]}
    row["captions"] = list(record.captions)
    if record.label is not None:
        row["class"] = record.label
    if record.attributes:
        row["attributes"] = dict(record.attributes)
    if record.stated is not None:
        row["stated"] = [sorted(names) for names in record.stated]
    return row
