"""Oxford-102 flowers (Nilsback and Zisserman 2008), captions by Reed et al. (arXiv:1605.05395, section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from zoo_registry.contracts import Problem, Record
from zoo_registry.text import read_bytes

from .matlab import read_arrays
from .reader import IMAGE_EXTENSIONS, Reader, by_name, find, read_captions, read_split

TEXTS = ("text_c10", "cvpr2016_flowers/text_c10")
LIST_PLACES = ("", "flowers_icml/", "cvpr2016_flowers/")
SETS = {"train": "trnid", "validation": "valid", "test": "tstid"}  # of setid.mat


class FlowersFolder(Reader):
    """Images in one folder, captions by class, and a split.

    The split is the first that is there of: Reed's class lists, which share no class (trainvalclasses.txt, or
    trainclasses.txt and valclasses.txt, 82 classes; testclasses.txt, 20), beside text_c10 or in flowers_icml;
    and setid.mat (Oxford's own, where the splits train, validation and test share all classes). Captions may
    lie in cvpr2016_flowers/text_c10, as published. `label` is the class's folder.
    """

    folder_layout: ClassVar[str] = (
        "jpg/image_00001.jpg and text_c10/class_00001/image_00001.txt, with class lists or setid.mat"
    )

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether there are both a folder of images and one of captions."""
        return (folder / "jpg").is_dir() and find(folder, *TEXTS) is not None

    def _read(self, problems: list[Problem]) -> Mapping[str, Sequence[Record]]:
        folder = self.source.folder
        images, texts = find(folder, "jpg"), find(folder, *TEXTS)
        if images is None:
            problems.append(Problem("jpg", "missing; it holds the images, jpg/image_00001.jpg"))
        if texts is None:
            what = "missing; it holds the captions, text_c10/class_00001/image_00001.txt, one per line"
            problems.append(Problem("text_c10", what))
        if images is None or texts is None:
            return {}
        image_files = by_name(images, IMAGE_EXTENSIONS, folder, problems)
        labels, captions = _captions(texts, image_files, folder, problems)
        split = _split(folder, image_files, labels, problems)
        return {
            part: [
                Record(name, path, captions[name], label=labels[name])
                for name, path in image_files.items()
                if name in captions and split.get(name) == part
            ]
            for part in SETS
        }


def _captions(
    texts: Path, image_files: Mapping[str, Path], folder: Path, problems: list[Problem]
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """The class of each image that has a file of captions, and the captions of those that have some."""
    labels: dict[str, str] = {}
    captions = {}
    for place, path in by_name(texts, frozenset({".txt"}), folder, problems).items():
        file = path.relative_to(folder).as_posix()
        label, _, name = place.rpartition("/")
        if not label:
            problems.append(Problem(file, f"is in no class; expected {texts.name}/class_00001/{name}.txt"))
        elif name in labels:
            problems.append(Problem(file, f"{labels[name]} has captions of {name} too; only those are used"))
        elif name not in image_files:
            problems.append(Problem(file, f"captions without an image; jpg/{name}.jpg is missing"))
        else:
            labels[name] = label
            if read := read_captions(path, file, problems):
                captions[name] = read
    for name, image_file in image_files.items():
        if name not in labels:
            what = f"image without captions; {texts.name} has no {name}.txt in any class"
            problems.append(Problem(image_file.relative_to(folder).as_posix(), what))
    return labels, captions


def _split(
    folder: Path, image_files: Mapping[str, Path], labels: Mapping[str, str], problems: list[Problem]
) -> Mapping[str, str]:
    """The split of each image's name."""
    train = _lists(folder, "trainvalclasses.txt") or _lists(folder, "trainclasses.txt", "valclasses.txt")
    test = _lists(folder, "testclasses.txt")
    parts: tuple[str, ...] = ("train", "test")
    if train or test:
        source = "trainvalclasses.txt and testclasses.txt"
        classes: dict[str, list[str]] = {}
        for name, label in labels.items():
            classes.setdefault(label, []).append(name)
        split = read_split({"train": train, "test": test}, classes, "class", folder, problems)
    elif (folder / "setid.mat").exists():
        source, parts = "setid.mat", tuple(SETS)
        found = _sets(folder / source, image_files, problems)
        if found is None:
            return {}
        split = found
    else:
        what = "missing, and so is setid.mat; it and testclasses.txt list the splits' classes, one per line"
        problems.append(Problem("trainvalclasses.txt", what))
        return {}
    for part in parts:
        if part not in split.values():
            problems.append(Problem(source, f"no class and no image is in the split {part!r}"))
    unlisted = [name for name in labels if name not in split]
    if split and unlisted:
        what = f"{len(unlisted)} images are in no split and are not used, {unlisted[0]} first"
        problems.append(Problem(source, what))
    return split


def _lists(folder: Path, *names: str) -> list[Path]:
    """Those of these class lists that are there, wherever the publications put them."""
    found = (find(folder, *(place + name for place in LIST_PLACES)) for name in names)
    return [path for path in found if path is not None]


def _sets(path: Path, image_files: Mapping[str, Path], problems: list[Problem]) -> dict[str, str] | None:
    """Oxford's split: three lists of image numbers in a MATLAB file; None where it cannot be read."""
    try:
        arrays = read_arrays(read_bytes(path))
        if missing := [key for key in SETS.values() if key not in arrays]:
            raise ValueError(f"no {' and no '.join(missing)}")
        numbers = {split: [int(number) for number in arrays[key]] for split, key in SETS.items()}
    except (OSError, ValueError, OverflowError) as error:  # OverflowError: a number may be infinite
        what = f"cannot be read ({error}); expected numbers called {', '.join(SETS.values())}, as published"
        problems.append(Problem(path.name, what))
        return None
    split: dict[str, str] = {}
    for part, listed in numbers.items():
        for number in listed:
            name = f"image_{number:05}"
            if name not in image_files:
                problems.append(Problem(path.name, f"{SETS[part]}: there is no image jpg/{name}.jpg"))
            elif split.setdefault(name, part) != part:
                what = f"{SETS[part]}: {name} is in the split {split[name]!r} too; it stays there"
                problems.append(Problem(path.name, what))
    return split
