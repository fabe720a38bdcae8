"""Flickr8k (Hodosh, Young and Hockenmaier 2013, JAIR 47): 8,000 photographs with five captions each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from zoo_registry.contracts import Problem, Record

from .reader import (
    IMAGE_EXTENSIONS,
    Reader,
    by_name,
    find,
    leads_out,
    read_lines,
    read_split,
    tidy,
    without_ending,
)

IMAGES = ("Flicker8k_Dataset", "Flickr8k_Dataset")  # the first is the published spelling
PLACES = ("", "Flickr8k_text/")
TOKENS = "Flickr8k.token.txt"
LISTS = {"train": "trainImages", "validation": "devImages", "test": "testImages"}
NEVER_SHIPPED = "2258277193_586949ec62.jpg.1"  # has captions as published, and no image


class Flickr8kFolder(Reader):
    """Images in Flicker8k_Dataset, captions in Flickr8k.token.txt, and the lists of the three splits.

    The texts may lie in Flickr8k_text. Of the published images 91 are in no list; they are not used.
    """

    folder_layout: ClassVar[str] = "Flicker8k_Dataset/, Flickr8k.token.txt and Flickr_8k.trainImages.txt"

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether there is the file of captions."""
        return _text(folder, TOKENS) is not None

    def _read(self, problems: list[Problem]) -> Mapping[str, Sequence[Record]]:
        folder = self.source.folder
        images, tokens = find(folder, *IMAGES), _text(folder, TOKENS)
        if images is None:
            problems.append(Problem(IMAGES[0], "missing; it holds the images"))
        if tokens is None:
            what = "missing; it holds the captions: NAME.jpg#0, a tab, the caption"
            problems.append(Problem(TOKENS, what))
        if images is None or tokens is None:
            return {}
        image_files = by_name(images, IMAGE_EXTENSIONS, folder, problems)
        captions = _captions(tokens, tokens.relative_to(folder).as_posix(), image_files, problems)
        for name, path in image_files.items():
            if name not in captions:
                what = f"image without captions; {TOKENS} has none for it"
                problems.append(Problem(path.relative_to(folder).as_posix(), what))
        split = _split(folder, image_files, problems)
        return {
            part: [
                Record(name, path, tuple(captions[name]))
                for name, path in image_files.items()
                if name in captions and split.get(name) == part
            ]
            for part in LISTS
        }


def _text(folder: Path, name: str) -> Path | None:
    return find(folder, *(place + name for place in PLACES))


def _captions(
    path: Path, file: str, image_files: Mapping[str, Path], problems: list[Problem]
) -> dict[str, list[str]]:
    captions: dict[str, list[str]] = {}
    lost = set()
    for number, line in read_lines(path, file, problems, "caption"):
        key, _, caption = line.partition("\t")
        image_file, _, place = key.rpartition("#")
        name = without_ending(image_file)
        if image_file == NEVER_SHIPPED:
            continue
        if not image_file or not place.isdigit():
            what = f"line {number}: {line[:40]!r} is not NAME.jpg#0, a tab and a caption"
            problems.append(Problem(file, what))
        elif leads_out(image_file):
            what = f"line {number}: {image_file!r} leads out of the folder; expected an image's name"
            problems.append(Problem(file, what))
        elif name not in image_files:
            if name not in lost:
                problems.append(
                    Problem(file, f"captions without an image; {IMAGES[0]}/{image_file} is missing")
                )
            lost.add(name)
        elif not tidy(caption):
            problems.append(Problem(file, f"line {number}: the caption of {image_file} is empty"))
        else:
            captions.setdefault(name, []).append(tidy(caption))
    return captions


def _split(folder: Path, image_files: Mapping[str, Path], problems: list[Problem]) -> dict[str, str]:
    """The split of each image's name, from the three lists."""
    lists: dict[str, list[Path]] = {}
    for split, name in LISTS.items():
        file = f"Flickr_8k.{name}.txt"
        path = _text(folder, file)
        if path is None:
            problems.append(
                Problem(file, f"missing; it lists the images of the split {split!r}, one per line")
            )
        else:
            lists[split] = [path]
    known = {path.name: [name] for name, path in image_files.items()}
    listed = read_split(lists, known, "image", folder, problems)
    for split, (path,) in lists.items():
        if split not in listed.values():
            file = path.relative_to(folder).as_posix()
            problems.append(Problem(file, f"no image is in the split {split!r}"))
    return listed
