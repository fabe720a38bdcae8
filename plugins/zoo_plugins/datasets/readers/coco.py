"""COCO captions (Lin et al. 2014, arXiv:1405.0312; Chen et al. 2015, arXiv:1504.00325), 2014 and 2017."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from zoo_registry.contracts import Problem, Record

from .reader import IMAGE_EXTENSIONS, Files, Reader, find, leads_out, read_json, texts_of, without_ending

YEARS = ("2014", "2017")
PARTS = {"train": "train", "test": "val"}  # COCO's test images have no published captions
EXPECTED = "an object with a list of images and one of annotations"


class CocoFolder(Reader):
    """Images in train2014 and val2014 (or in these below images), captions in annotations.

    The split "train" is COCO's train, "test" its val. Where both years are there, 2014 is read, which the
    papers use. COCO has no classes.
    """

    folder_layout: ClassVar[str] = (
        "annotations/captions_train2014.json, train2014/ and the same for val2014, or all for 2017"
    )

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether there is a file of captions of either year."""
        return find(folder, *(_file(part + year) for part in PARTS.values() for year in YEARS)) is not None

    def _read(self, problems: list[Problem]) -> Mapping[str, Sequence[Record]]:
        year = _year(self.source.folder)
        return {split: _part(self.source.folder, part + year, problems) for split, part in PARTS.items()}


def _file(part: str) -> str:
    return f"annotations/captions_{part}.json"


def _images(folder: Path, part: str) -> Path | None:
    return find(folder, part, f"images/{part}")


def _year(folder: Path) -> str:
    """The first year with both captions and images, else the first with captions."""
    there = [year for year in YEARS if find(folder, *(_file(part + year) for part in PARTS.values()))]
    with_images = [year for year in there if any(_images(folder, part + year) for part in PARTS.values())]
    return (*with_images, *there, *YEARS)[0]


def _part(folder: Path, part: str, problems: list[Problem]) -> list[Record]:
    file, images = _file(part), _images(folder, part)
    if images is None:
        problems.append(Problem(part, f"missing; it holds the images that {file} describes"))
    captions = _captions(folder, file, problems)
    if images is None or captions is None:
        return []
    image_files = Files(images, IMAGE_EXTENSIONS)
    captions = {image_files.name(written) or written: texts for written, texts in captions.items()}
    place = images.relative_to(folder).as_posix()
    records: dict[str, Record] = {}
    for image_file in image_files:
        name = f"{place}/{without_ending(image_file)}"
        if not captions.get(image_file):
            problems.append(
                Problem(f"{place}/{image_file}", f"image without captions; {file} has none for it")
            )
        elif name in records:
            what = "another image has this name with another ending; only that one is used"
            problems.append(Problem(f"{place}/{image_file}", what))
        else:
            records[name] = Record(name, image_files[image_file], tuple(captions[image_file]))
    problems += [
        Problem(file, f"captions without an image; {place}/{name} is missing")
        for name in captions
        if captions[name] and name not in image_files
    ]
    return list(records.values())


def _captions(folder: Path, file: str, problems: list[Problem]) -> dict[str, list[str]] | None:
    """The captions of each image that the file names, maybe none; None where it cannot be read."""
    if not (folder / file).is_file():
        problems.append(Problem(file, "missing; it holds the captions"))
        return None
    data = read_json(folder / file, file, dict, EXPECTED, problems)
    if data is None:
        return None
    images, annotations = data.get("images"), data.get("annotations")
    if not isinstance(images, list) or not isinstance(annotations, list):
        problems.append(Problem(file, f"expected {EXPECTED}, as published"))
        return None
    names = _names(images, file, problems)
    captions: dict[str, list[str]] = {name: [] for name in names.values()}
    for place, annotation in enumerate(annotations):
        number, caption = _values(annotation, "image_id", "caption")
        try:
            (text,) = texts_of([caption])
        except ValueError as error:
            problems.append(Problem(file, f"annotations[{place}]: the caption {error}"))
            continue
        if not isinstance(number, int) or number not in names:
            problems.append(
                Problem(file, f"annotations[{place}]: image_id {number!r} is not the id of an image")
            )
        elif not text:
            problems.append(Problem(file, f"annotations[{place}]: the caption of image {number} is empty"))
        else:
            captions[names[number]].append(text)
    return captions


def _names(images: list[Any], file: str, problems: list[Problem]) -> dict[int, str]:
    """The image files by their ids."""
    names: dict[int, str] = {}
    for place, image in enumerate(images):
        number, name = _values(image, "id", "file_name")
        if not isinstance(number, int) or not isinstance(name, str):
            problems.append(Problem(file, f"images[{place}]: expected a number, id, and a text, file_name"))
        elif leads_out(name):
            what = f"image {number}: file_name {name!r} leads out of the folder; expected a path below it"
            problems.append(Problem(file, what))
        elif names.setdefault(number, name) != name:
            problems.append(Problem(file, f"image {number}: two file names, {names[number]!r} and {name!r}"))
    return names


def _values(row: Any, *keys: str) -> tuple[Any, ...]:
    return tuple(row.get(key) for key in keys) if isinstance(row, dict) else (None,) * len(keys)
