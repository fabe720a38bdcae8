"""The judge: a small network that reads a procedural data set's attributes back from images.

It learns from real images alone, and its accuracy is measured on real images of classes that it has never
seen. A data set that can draw images to practise on (`Practising`) gives it as many as it needs; of any other
set with attributes it gets the training split. A set may bring its judges (`WithJudges`): they are the
same on every machine.

Shape letters: see zoo_registry.contracts; n images, A attributes.
"""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import Tensor, nn

from zoo_registry import ZooError
from zoo_registry.contracts import Dataset, Record

from ..data.cache import cache_folder, content
from ..data.images import MARGIN, RANDOM_PER_IMAGE, ImageSet, images_at
from ..files import folder_written_beside, sha256, write_json
from ..memory import keep_freed_memory
from ..models import weights
from ..progress import Bar
from ..seeding import generator as seeded
from .judge_network import LARGEST, TrainedJudge

__all__ = ["Effort", "Practising", "TrainedJudge", "WithJudges", "judge_of"]

# To be raised whenever the same data would give another judge, as with another network; and with it the
# versions of the protocols that ask a judge, since their numbers change.
VERSION = 2
HIDDEN = "hidden"  # the value of an attribute that an image does not show
BATCH_SIZE = 32
RATE = 3e-3
SEED = 0


@runtime_checkable
class Practising(Dataset, Protocol):
    """A data set that draws as many images as a judge needs."""

    def standard(self, resolution: int, tests: int) -> Practising:
        """The same set whatever its own count and seed: at a resolution, with so many images in "test"."""
        ...

    def practice(self, count: int) -> Sequence[Record]:
        """Images with attributes; none has those of a class of the split "test"."""
        ...


@runtime_checkable
class WithJudges(Practising, Protocol):
    """A data set that brings judges: training one gives other weights on every kind of processor.

    judges: the folder of them, each in a folder as the cache has it.
    """

    judges: Path


@dataclass(frozen=True)
class Effort:
    """How many images are drawn to learn from and to be tested on, and how many it is trained on in all."""

    practice: int = 24_000
    tests: int = 2_000
    images: int = 256_000


# Details do not show in smaller images; what does is learnt sooner.
EFFORT, SMALL_EFFORT = Effort(), Effort(images=128_000)


def judge_of(
    dataset: Dataset,
    source: str,
    resolution: int,
    device: torch.device,
    quiet: bool,
    *,
    effort: Effort | None = None,
) -> TrainedJudge:
    """The judge of a data set at a resolution: its own, from the cache, or trained and put there.

    source: what the user calls the data set. Raises `ZooError` for a data set without attributes, or without
    images to test the judge on.
    """
    resolution = min(resolution, LARGEST)
    effort = effort or (EFFORT if resolution == LARGEST else SMALL_EFFORT)
    if isinstance(dataset, Practising):
        dataset = dataset.standard(math.ceil(resolution * MARGIN), effort.tests)
    key = _key(dataset, resolution, effort)
    folder = cache_folder() / "judges" / key
    judge = (_load(dataset.judges / key) if isinstance(dataset, WithJudges) else None) or _load(folder)
    if judge is None:
        judge, facts = _trained(_lessons(dataset, source, resolution, effort), device, quiet)
        with folder_written_beside(folder) as beside:
            weights.write(beside / "judge.safetensors", judge.half().state_dict())
            facts |= {"source": source, "sha256": sha256(beside / "judge.safetensors")}
            write_json(beside / "judge.json", facts)
        judge = _load(folder)
        assert judge is not None
    return judge.to(device)


# ---- what it learns from


@dataclass(frozen=True)
class _Lessons:
    """Images to learn from and to be tested on, and the attributes to be read.

    fingerprints: of the images that are no files.
    """

    train: Sequence[Record]
    test: Sequence[Record]
    fingerprints: tuple[str | None, str | None]
    values: Mapping[str, tuple[str, ...]]
    procedural: bool
    resolution: int
    images: int


def _key(dataset: Dataset, resolution: int, effort: Effort) -> str:
    """Names all that a judge depends on."""
    what = [VERSION, resolution, effort, MARGIN, BATCH_SIZE, RATE, SEED]
    if isinstance(dataset, Practising):
        what.append(dataset.fingerprint())
    else:
        for split in dataset.splits():
            records = dataset.records(split)
            facts = [(sorted(record.attributes.items()), _sorted(record.stated)) for record in records]
            what += [split, content(records, dataset.fingerprint()), facts]
    return hashlib.blake2b(repr(what).encode(), digest_size=16).hexdigest()


def _sorted(stated: Sequence[Set[str]] | None) -> list[list[str]] | None:
    return None if stated is None else [sorted(each) for each in stated]


def _lessons(dataset: Dataset, source: str, resolution: int, effort: Effort) -> _Lessons:
    splits = dataset.splits()
    test = dataset.records("test") if "test" in splits else ()
    procedural = isinstance(dataset, Practising)
    names = dataset.fingerprint(), dataset.fingerprint()
    if isinstance(dataset, Practising):
        train = dataset.practice(effort.practice)
        names = f"{names[0]} practice", names[1]
    else:
        train = dataset.records("train") if "train" in splits else ()
    values = _readable(train, test)
    if not values:
        raise ZooError(
            f"{source} does not know its images' attributes, so no judge can be trained; aviary, garden "
            "and portraits do, and the folders that zoo data make writes of them, if both splits are there"
        )
    return _Lessons(train, test, names, values, procedural, resolution, effort.images)


def _readable(train: Sequence[Record], test: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    """The attributes to be read, with their values: those that captions mention, where the data says so.

    An attribute of which the splits share less than two values names classes: nobody can read unseen ones.
    """
    mentioned: set[str] | None = None
    if any(record.stated is not None for record in test):
        mentioned = set().union(*(each for record in test for each in record.stated or ()))
    values = {}
    for name in sorted(set().union(*(record.attributes for record in train)) if test else ()):
        known, asked = (
            {record.attributes[name] for record in records if name in record.attributes}
            for records in (train, test)
        )
        if (mentioned is None or name in mentioned) and len(asked & known - {HIDDEN}) > 1:
            values[name] = tuple(sorted(known))
    return values


def _answers(records: Sequence[Record], values: Mapping[str, tuple[str, ...]]) -> Tensor:
    """The numbers [n,A] of the right values; -100 where a record does not say."""
    numbers = [{value: number for number, value in enumerate(each)} for each in values.values()]
    return torch.tensor(
        [
            [
                known.get(record.attributes.get(name, ""), -100)
                for name, known in zip(values, numbers, strict=True)
            ]
            for record in records
        ]
    )


# ---- training


def _trained(lessons: _Lessons, device: torch.device, quiet: bool) -> tuple[TrainedJudge, dict[str, Any]]:
    """A new judge with its accuracy, and what is written about it."""
    if device.type == "cpu":
        keep_freed_memory()
    start = time.monotonic()
    # Practice images are needed once; other images are shared with whoever else opens the set.
    with tempfile.TemporaryDirectory() if lessons.procedural else nullcontext() as folder:
        train, test = (
            _images(records, lessons.resolution, name, folder, what, quiet)
            for records, name, what in zip(
                (lessons.train, lessons.test),
                lessons.fingerprints,
                ("images to learn from", "images to be tested on"),
                strict=True,
            )
        )
        judge = _new(lessons.values, lessons.resolution)
        _fit(judge.to(device), train, _answers(lessons.train, lessons.values), lessons.images, device, quiet)
        judge.half().float()  # as it is kept, in half the room
        read = _read(judge, test, device)
    facts = _facts(judge, read, lessons)
    return judge, facts | {"seconds": round(time.monotonic() - start, 1)}


def _new(values: Mapping[str, Sequence[str]], resolution: int, **known: Any) -> TrainedJudge:
    """A judge with its first weights; nobody else's random numbers change."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return TrainedJudge(values, resolution, **known)


def _images(
    records: Sequence[Record],
    resolution: int,
    fingerprint: str | None,
    folder: str | None,
    what: str,
    quiet: bool,
) -> ImageSet:
    with Bar(f"judge: {what}", len(records), quiet=quiet) as bar:
        return ImageSet(
            records,
            resolution=resolution,
            fingerprint=fingerprint,
            cache=Path(folder) if folder else None,
            progress=lambda done, total: bar.advance(done),
        )


def _fit(
    judge: TrainedJudge, image_set: ImageSet, answers: Tensor, count: int, device: torch.device, quiet: bool
) -> None:
    """AdamW (arXiv:1711.05101) and one cycle of the learning rate (arXiv:1708.07120).

    Crops are random, but never mirrored: an attribute may be left or right.
    """
    size = min(BATCH_SIZE, len(image_set))
    steps = max(count // size, 2)
    matrices = [p for p in judge.parameters() if p.ndim > 1]
    others = [p for p in judge.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.15)
    source = seeded(SEED, "judge")
    order = torch.empty(0, dtype=torch.int64)
    judge.train()
    with Bar("judge: training", steps, quiet=quiet) as bar:
        for step in range(steps):
            if len(order) < size:
                order = torch.cat([order, torch.randperm(len(image_set), generator=source)])
            chosen, order = order[:size], order[size:]
            uniform = torch.rand(size, RANDOM_PER_IMAGE, dtype=torch.float64, generator=source)
            uniform[:, 2] = 1.0  # not mirrored
            (batch,) = images_at(
                image_set.cut(chosen.tolist(), uniform).pixels.to(device), [judge.resolution]
            )
            right = answers[chosen].to(device)
            losses = [
                F.cross_entropy(each, right[:, a], reduction="sum") / size
                for a, each in enumerate(judge.logits(batch))
            ]
            loss = torch.stack(losses).sum()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(judge.parameters(), 5.0)
            optimizer.step()
            rate.step()
            bar.advance(step + 1, f"loss {loss.detach():.2f}")
    judge.eval()


def _read(judge: TrainedJudge, image_set: ImageSet, device: torch.device) -> Tensor:
    """What the judge reads of all images, cut from the centre: [n,A]."""
    found = []
    for at in range(0, len(image_set), BATCH_SIZE):
        numbers = range(at, min(at + BATCH_SIZE, len(image_set)))
        (batch,) = images_at(image_set.batch(numbers, generator=None).pixels.to(device), [judge.resolution])
        found.append(torch.stack([*judge.read(batch).values()], 1).cpu())
    return torch.cat(found)


def _facts(judge: TrainedJudge, read: Tensor, lessons: _Lessons) -> dict[str, Any]:
    """The judge's accuracy and what chance would get, by attribute.

    Over the test images whose captions mention it; over all that show it where the data does not say.
    """
    accuracy, chance, counts = {}, {}, {}
    for number, name in enumerate(judge.values):
        pairs = [
            (judge.values[name][int(value)], record.attributes[name])
            for value, record in zip(read[:, number], lessons.test, strict=True)
            if record.attributes.get(name) in set(judge.values[name]) - {HIDDEN}
            and (record.stated is None or any(name in each for each in record.stated))
        ]
        counts[name] = len(pairs)
        accuracy[name] = sum(one == other for one, other in pairs) / len(pairs)
        chance[name] = max(Counter(right for _, right in pairs).values()) / len(pairs)
    return {
        "judge": VERSION,
        "resolution": judge.resolution,
        "values": {name: list(each) for name, each in judge.values.items()},
        "accuracy": accuracy,
        "chance": chance,
        "counts": counts,
        "learnt_from": len(lessons.train),
        "images": lessons.images,
    }


# ---- the cache


def _load(folder: Path) -> TrainedJudge | None:
    """A judge from the cache; None where there is none, or where its files are not whole."""
    path = folder / "judge.safetensors"
    try:
        facts = json.loads((folder / "judge.json").read_text("utf-8"))
        if sha256(path) != facts["sha256"]:
            return None
        known = {name: facts[name] for name in ("accuracy", "chance", "counts", "seconds")}
        judge = _new(facts["values"], facts["resolution"], id=f"judge-{facts['sha256'][:16]}", **known)
        weights.put(judge, weights.read(path), str(path))
    except (OSError, ValueError, KeyError, SafetensorError, ZooError):
        return None
    return judge.eval()
