"""Caltech-UCSD Birds 200-2011 (Wah et al. 2011), captions by Reed et al. (arXiv:1605.05395, section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from zoo_registry.contracts import Problem, Record

from .reader import IMAGE_EXTENSIONS, Reader, by_name, read_captions, read_lines, without_ending

SPLITS = ("train", "test")
CLASS_LISTS = {"train": "trainvalclasses.txt", "test": "testclasses.txt"}

Box = tuple[float, float, float, float]


class CubFolder(Reader):
    """Images by class, captions beside them, bounding boxes, and a split.

    The split is the first that is there of: train/filenames.txt and test/filenames.txt (one CLASS/NAME a
    line, as AttnGAN's filenames.pickle holds them; pickles are never read, since they can run code);
    trainvalclasses.txt and testclasses.txt (Reed's class-disjoint split); train_test_split.txt (CUB's own,
    where both share all classes). Images and tables may lie in a subfolder CUB_200_2011, and captions in
    text_c10, as published.
    """

    folder_layout: ClassVar[str] = "images/CLASS/NAME.jpg and text/CLASS/NAME.txt, one caption per line"

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether there are both a folder of images and one of captions."""
        return _find(folder, "images") is not None and _find(folder, "text", "text_c10") is not None

    def _read(self, problems: list[Problem]) -> Mapping[str, Sequence[Record]]:
        folder = self.source.folder
        images, texts = _find(folder, "images"), _find(folder, "text", "text_c10")
        if images is None:
            problems.append(Problem("images", "missing; it holds the images, images/CLASS/NAME.jpg"))
        if texts is None:
            problems.append(
                Problem("text", "missing; it holds the captions, text/CLASS/NAME.txt, one per line")
            )
        if images is None or texts is None:
            return {}
        image_files = by_name(images, IMAGE_EXTENSIONS, folder, problems)
        captions = _captions(texts, image_files, folder, problems)
        ids = {
            number: without_ending(name) for number, name in _table(folder, "images.txt", problems).items()
        }
        problems += [
            Problem("images.txt", f"lists {name}, which is not in images")
            for name in ids.values()
            if name not in image_files
        ]
        boxes = _boxes(folder, ids, image_files, problems)
        split = _split(folder, ids, image_files, problems)
        return {
            part: [
                Record(name, path, captions[name], label=name.rpartition("/")[0] or None, box=boxes.get(name))
                for name, path in image_files.items()
                if name in captions and split.get(name) == part
            ]
            for part in SPLITS
        }


def _find(folder: Path, *names: str) -> Path | None:
    """The first of these that is there, in the folder or in its CUB_200_2011."""
    places = (place / name for place in (folder, folder / "CUB_200_2011") for name in names)
    return next((place for place in places if place.exists()), None)


def _captions(
    texts: Path, image_files: Mapping[str, Path], folder: Path, problems: list[Problem]
) -> dict[str, tuple[str, ...]]:
    files = by_name(texts, frozenset({".txt"}), folder, problems)
    captions = {}
    for name, path in files.items():
        file = path.relative_to(folder).as_posix()
        if name not in image_files:
            problems.append(Problem(file, f"captions without an image; images/{name}.jpg is missing"))
        elif read := read_captions(path, file, problems):
            captions[name] = read
    for name, image_file in image_files.items():
        if name not in files:
            what = f"image without captions; {texts.name}/{name}.txt is missing"
            problems.append(Problem(image_file.relative_to(folder).as_posix(), what))
    return captions


def _table(folder: Path, file: str, problems: list[Problem]) -> dict[str, str]:
    """A file of lines "ID VALUE"."""
    path = _find(folder, file)
    if path is None:
        problems.append(Problem(file, "missing; it is a part of CUB-200-2011"))
        return {}
    table: dict[str, str] = {}
    for number, line in read_lines(path, file, problems, "line"):
        key, _, value = line.partition(" ")
        if value.strip():
            table[key] = value.strip()
        else:
            problems.append(Problem(file, f"line {number}: {line!r} is not a number and its value"))
    return table


def _boxes(
    folder: Path, ids: Mapping[str, str], image_files: Mapping[str, Path], problems: list[Problem]
) -> dict[str, Box]:
    boxes: dict[str, Box] = {}
    table = _table(folder, "bounding_boxes.txt", problems)
    for key, value in table.items():
        try:
            x, y, width, height = (float(number) for number in value.split())
        except ValueError:
            x = y = width = height = 0.0
        if key not in ids:
            problems.append(
                Problem("bounding_boxes.txt", f"image {key}: there is no such number in images.txt")
            )
        elif not (width > 0 and height > 0 and all(abs(one) < 1e6 for one in (x, y, width, height))):
            what = f"image {key}: {value!r} is not x, y, width and height in pixels; it is not cropped"
            problems.append(Problem("bounding_boxes.txt", what))
        else:
            boxes[ids[key]] = (x, y, width, height)
    boxless = [name for key, name in ids.items() if key not in table and name in image_files]
    if table and boxless:
        what = f"{len(boxless)} images have no box and are not cropped, {boxless[0]} first"
        problems.append(Problem("bounding_boxes.txt", what))
    return boxes


def _split(
    folder: Path, ids: Mapping[str, str], image_files: Mapping[str, Path], problems: list[Problem]
) -> dict[str, str]:
    """The split of each image's name."""
    by_file = {split: f"{split}/filenames.txt" for split in SPLITS}
    classes: dict[str, list[str]] = {}
    for name in image_files:
        classes.setdefault(name.rpartition("/")[0], []).append(name)
    for split in SPLITS:
        pickle = f"{split}/filenames.pickle"
        if _find(folder, pickle) and not _find(folder, by_file[split]):
            what = (
                f"is not read, since pickles can run code; write its names to {by_file[split]}, one per line"
            )
            problems.append(Problem(pickle, what))

    if any(_find(folder, file) for file in by_file.values()):
        source = " and ".join(by_file.values())
        listed = _listed(folder, by_file, {name: [name] for name in image_files}, "image", problems)
    elif any(_find(folder, file) for file in CLASS_LISTS.values()):
        source = " and ".join(CLASS_LISTS.values())
        listed = _listed(folder, CLASS_LISTS, classes, "class", problems)
    else:
        source = "train_test_split.txt"
        listed = {}
        for key, value in _table(folder, source, problems).items():
            if key not in ids or value not in ("0", "1"):
                what = f"{key} {value!r} is not a number of images.txt and 1 (train) or 0 (test)"
                problems.append(Problem(source, what))
            else:
                listed[ids[key]] = "train" if value == "1" else "test"

    for split in SPLITS:
        if not any(listed.get(name) == split for name in image_files):
            problems.append(Problem(source, f"no class and no image is in the split {split!r}"))
    unlisted = [name for name in image_files if name not in listed]
    if listed and unlisted:
        what = f"{len(unlisted)} images are in no split and are not used, {unlisted[0]} first"
        problems.append(Problem(source, what))
    return listed


def _listed(
    folder: Path,
    files: Mapping[str, str],
    known: Mapping[str, Iterable[str]],
    noun: str,
    problems: list[Problem],
) -> dict[str, str]:
    """The split of each image, from one file per split that lists images or classes (`known`: theirs)."""
    listed: dict[str, str] = {}
    for split, file in files.items():
        path = _find(folder, file)
        if path is None:
            problems.append(Problem(file, f"missing; it lists the {split} split, one {noun} a line"))
            continue
        for number, line in read_lines(path, file, problems, noun):
            entry = without_ending(line)
            if entry not in known:
                problems.append(Problem(file, f"line {number}: there is no {noun} {entry!r} in images"))
            elif any(listed.get(name, split) != split for name in known[entry]):
                problems.append(
                    Problem(file, f"line {number}: {entry} is in the train split too; it stays there")
                )
            else:
                listed.update(dict.fromkeys(known[entry], split))
    return listed
