"""Images without captions, for recipes without text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from zoo_registry.contracts import Problem, Record

from .reader import IMAGE_EXTENSIONS, SPLITS, TEXT_EXTENSIONS, Reader, by_name, find_files, in_split


class PlainImageFolder(Reader):
    """All images below a folder. Its folders train, validation (val, valid, dev) and test are splits.

    Where images lie in subfolders (of the folder, or of a split's), the subfolder is their class.
    """

    folder_layout: ClassVar[str] = "images alone, maybe in one subfolder per class; for recipes without text"

    @classmethod
    def title(cls, argument: str) -> str | None:
        """The folder's name: the layout says nothing of whose images they are."""
        return Path(argument).name or None

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether there are images and nothing that could hold their captions."""
        with_captions = next(find_files(folder, TEXT_EXTENSIONS), None) is not None
        return not with_captions and next(find_files(folder, IMAGE_EXTENSIONS), None) is not None

    def _read(self, problems: list[Problem]) -> Mapping[str, Sequence[Record]]:
        folder = self.source.folder
        images = by_name(folder, IMAGE_EXTENSIONS, folder, problems)
        if not images:
            endings = ", ".join(sorted(IMAGE_EXTENSIONS))
            problems.append(Problem(".", f"there is no image; expected files that end in one of {endings}"))
        records: dict[str, list[Record]] = {split: [] for split in SPLITS}
        for name, path in images.items():
            split, below = in_split(name)
            label = below.partition("/")[0] if "/" in below else None
            records[split].append(Record(name, path, (), label=label))
        return records
