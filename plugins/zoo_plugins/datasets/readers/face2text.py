"""Face2Text 0.1 (Gatt et al. 2018, arXiv:1803.03827): descriptions of 400 faces of LFW, as T2F took them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from zoo_registry.contracts import Problem, Record

from .reader import (
    IMAGE_EXTENSIONS,
    Reader,
    find,
    find_files,
    leads_out,
    normal,
    read_json,
    texts_of,
    without_ending,
)

PLACES = ("", "face2text_v0.1/", "Face2Text/face2text_v0.1/")
FILES = tuple(place + name for name in ("clean.json", "raw.json") for place in PLACES)
EXPECTED = "a list of objects with image and descriptions"
FACES = ("lfw", "lfw_funneled", "lfw-deepfunneled")


class Face2TextFolder(Reader):
    """Descriptions in clean.json (raw.json where that is not there), images in the folders of LFW.

    The descriptions name NAME/NAME_0001.bmp, where LFW has .jpg: images are found by their file name,
    whatever its ending, in lfw, lfw_funneled or lfw-deepfunneled, else anywhere. The thousands of faces that
    nobody described are left alone. There is no published split: all is "train". Persons are not classes.
    """

    folder_layout: ClassVar[str] = "face2text_v0.1/clean.json and lfw/NAME/NAME_0001.jpg"

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether there are both a file of descriptions and images."""
        if find(folder, *FILES) is None:
            return False
        return next(find_files(_faces(folder), IMAGE_EXTENSIONS), None) is not None

    def _read(self, problems: list[Problem]) -> Mapping[str, Sequence[Record]]:
        folder = self.source.folder
        path = find(folder, *FILES)
        if path is None:
            problems.append(Problem("face2text_v0.1/clean.json", "missing; it holds the descriptions"))
            return {}
        file = path.relative_to(folder).as_posix()
        rows = read_json(path, file, list, EXPECTED, problems)
        if rows is None:
            return {}
        faces = _faces(folder)
        image_files: dict[str, Path] = {}
        for image_file in find_files(faces, IMAGE_EXTENSIONS):
            image_files.setdefault(PurePosixPath(without_ending(normal(image_file))).name, faces / image_file)
        if not image_files:
            problems.append(Problem("lfw", "missing; it holds the images, lfw/NAME/NAME_0001.jpg"))
            return {}
        return {"train": _records(rows, file, image_files, problems)}


def _faces(folder: Path) -> Path:
    return find(folder, *FACES) or folder


def _records(
    rows: list[Any], file: str, image_files: Mapping[str, Path], problems: list[Problem]
) -> list[Record]:
    found: dict[str, Record] = {}
    for place, row in enumerate(rows):
        image, descriptions = (row.get("image"), row.get("descriptions")) if isinstance(row, dict) else (0, 0)
        if not isinstance(image, str) or not isinstance(descriptions, list):
            problems.append(Problem(file, f"[{place}]: expected a text, image, and a list, descriptions"))
            continue
        if leads_out(image):
            problems.append(
                Problem(file, f"[{place}]: {image!r} leads out of the folder; expected NAME/FILE")
            )
            continue
        captions = _captions(descriptions, f"[{place}], {image!r}", file, problems)
        name = without_ending(image)
        image_file = image_files.get(PurePosixPath(normal(name)).name)
        if image_file is None:
            problems.append(Problem(file, f"descriptions without an image; lfw/{name}.jpg is missing"))
        elif name in found:
            problems.append(Problem(file, f"[{place}]: {image} is described before; only that is used"))
        elif captions:
            found[name] = Record(name, image_file, tuple(captions))
        else:
            problems.append(Problem(file, f"image without descriptions: {image}"))
    return list(found.values())


def _captions(descriptions: list[Any], where: str, file: str, problems: list[Problem]) -> list[str]:
    captions = []
    for description in descriptions:
        text, number = (
            description.get(k) if isinstance(description, dict) else None for k in ("text", "desc_id")
        )
        try:
            (caption,) = texts_of([text])
        except ValueError as error:
            problems.append(Problem(file, f"{where}: description {number!r}: {error}"))
            continue
        if caption:
            captions.append(caption)
        else:
            problems.append(Problem(file, f"{where}: description {number!r} is empty"))
    return captions
