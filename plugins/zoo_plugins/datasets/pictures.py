"""Pictures without captions, for recipes without text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from zoo_registry.contracts import Problem, Record

from .files import PICTURE_ENDINGS, Reader, by_name, find_files

SPLITS = ("train", "validation", "test")
CAPTION_ENDINGS = frozenset({".arrow", ".csv", ".json", ".jsonl", ".mat", ".parquet", ".tar", ".tsv", ".txt"})


class PictureFolder(Reader):
    """All pictures below a folder; the folders train, validation and test are splits, else all is "train".

    Where pictures lie in subfolders (of the folder, or of a split's), the subfolder is their class.
    """

    folder_layout: ClassVar[str] = "pictures alone, maybe in a subfolder a class; for recipes without text"

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether there are pictures and nothing that could hold their captions."""
        with_captions = next(find_files(folder, CAPTION_ENDINGS), None) is not None
        return not with_captions and next(find_files(folder, PICTURE_ENDINGS), None) is not None

    def _read(self, problems: list[Problem]) -> Mapping[str, Sequence[Record]]:
        folder = self.source.folder
        pictures = by_name(folder, PICTURE_ENDINGS, folder, problems)
        if not pictures:
            endings = ", ".join(sorted(PICTURE_ENDINGS))
            problems.append(
                Problem(".", f"there is no picture; files that end in one of {endings} are wanted")
            )
        records: dict[str, list[Record]] = {split: [] for split in SPLITS}
        for name, path in pictures.items():
            first, slash, rest = name.partition("/")
            split, below = (first, rest) if slash and first in SPLITS else ("train", name)
            label = below.partition("/")[0] if "/" in below else None
            records[split].append(Record(name, path, (), label=label))
        return records
