"""What is wrong with a data set, and what is in it."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from zoo_registry.contracts import Dataset, Problem, Record, TextEncoder

from .decode import ImageError, decode, record_image
from .threads import Progress, in_threads

# The scripts that write sentences without spaces, by their letters: Thai, Lao, Burmese, Khmer, kana, Chinese.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]{5,}"
)
WORD = re.compile(r"\w+")


def check(dataset: Dataset, progress: Progress | None = None) -> list[Problem]:
    """All problems of a data set, by file: what its reader found, and images that cannot be decoded."""
    records = [record for split in dataset.splits() for record in dataset.records(split)]
    stored = records if dataset.folder_layout else []  # procedural images have no problems
    folder = dataset.source.folder

    def problem(record: Record) -> Problem | None:
        try:
            decode(record, 1)
        except ImageError as error:
            path = Path(error.file)
            if path.is_relative_to(folder):
                path = path.relative_to(folder)
            return Problem(path.as_posix(), error.what)
        return None

    undecodable = [found for found in in_threads(problem, stored, progress) if found is not None]
    problems = sorted({*dataset.problems(), *undecodable})
    if not records and not problems:
        problems.append(Problem(".", f"no image is there; expected {dataset.folder_layout}"))
    return problems


def info(dataset: Dataset) -> dict[str, Any]:
    """What is in a data set, a split at a time: numbers for people to read and for JSON.

    A word is a run of word characters, in lower case. `captions_per_image`, `words_per_caption` and
    `resolution` (the images' shorter sides, in pixels) are {min, median, max}. Splits but "train" have the
    shares of their running and of their distinct words that no caption of "train" has, and how many classes
    "train" has too.
    """
    train_words: Mapping[str, int] = {}
    train_classes: set[str | None] = set()
    splits: dict[str, Any] = {}
    for split in sorted(dataset.splits(), key=lambda split: split != "train"):
        records = dataset.records(split)
        captions = [caption for record in records for caption in record.captions]
        pieces = [WORD.findall(caption.lower()) for caption in captions]
        words = Counter(word for piece in pieces for word in piece)
        classes = {record.label for record in records} - {None}
        splits[split] = {
            "images": len(records),
            "captions": len(captions),
            "classes": len(classes),
            "captions_per_image": _spread(len(record.captions) for record in records),
            "words_per_caption": _spread(map(len, pieces)),
            "vocabulary": len(words),
            "resolution": _spread(
                resolution
                for resolution in in_threads(_resolution, _with_resolutions(dataset, records))
                if resolution
            ),
        }
        if split == "train":
            train_words, train_classes = words, classes
        elif "train" in splits:
            unseen = {word: count for word, count in words.items() if word not in train_words}
            splits[split] |= {
                "unseen_words": _share(sum(unseen.values()), words.total()),
                "unseen_vocabulary": _share(len(unseen), len(words)),
                "classes_of_train": len(classes & train_classes),
            }
    return {
        "splits": splits,
        "problems": len(dataset.problems()),
        "passed_over": dict(dataset.passed_over()),
        "notes": notes(dataset),
    }


def notes(dataset: Dataset) -> list[str]:
    """What is no fault of a data set, but should be known before it is trained on."""
    captions = [
        caption
        for split in dataset.splits()
        for record in dataset.records(split)
        for caption in record.captions
    ]
    passed_over = [f"{count:,} {kind}" for kind, count in dataset.passed_over().items()]
    return [
        *([f"passed over: {', '.join(passed_over)}"] if passed_over else []),
        *filter(None, [_unseparated(captions)]),
    ]


def report_reading(encoder: TextEncoder, captions: Sequence[str]) -> None:
    """Say on standard error what of the captions a text encoder that learns from them will not read."""
    if note := _unseparated(captions):
        print(note, file=sys.stderr)
    if cut := sum(encoder.left_out(caption) > 0 for caption in captions):
        longer = f"{cut:,} of {len(captions):,} captions are longer than the text encoder reads"
        print(f"{longer}; their ends are left out (text_encoder.max_words)", file=sys.stderr)


def _spread(values: Iterable[float]) -> dict[str, float] | None:
    ordered = sorted(values)
    return {"min": ordered[0], "median": median(ordered), "max": ordered[-1]} if ordered else None


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _with_resolutions(dataset: Dataset, records: Sequence[Record]) -> Sequence[Record]:
    """All stored images, whose headers are quick to read; of procedural ones, all alike, the first."""
    return records if dataset.folder_layout else records[:1]


def _resolution(record: Record) -> int | None:
    try:
        with record_image(record) as image:
            return min(image.size)
    except Exception:  # a damaged file; `check` reports it
        return None


def _unseparated(captions: Sequence[str]) -> str:
    """What to know of captions in a script without spaces between words; "" where there are few of these."""
    runs = sum(bool(_UNSPACED.search(caption)) for caption in captions)
    if runs <= len(captions) / 10:
        return ""
    return (
        f"{runs:,} of {len(captions):,} captions hold no spaces between words: an encoder of words takes a "
        "run of letters for one word; separate words by spaces, or choose an encoder of pieces of words"
    )
