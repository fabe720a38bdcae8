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
from pydantic import PositiveInt
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from zoo_registry import ZooError
from zoo_registry.contracts import AttributeReader, CutImages, Dataset, ExtractorSetup, Layer, Record

from .judge_network import LARGEST, JudgeNetwork

# To be raised whenever the same data would give another judge, as with another network; and with it the
# versions of the protocols that ask a judge, since their numbers change.
VERSION = 2
HIDDEN = "hidden"  # the value of an attribute that an image does not show
MARGIN = 76 / 64  # the cached image's shorter side over that of the random crop
BATCH_SIZE = 32
RATE = 3e-3
SEED = 0
WEIGHTS, FACTS = "judge.safetensors", "judge.json"


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

    practice: int
    tests: int
    images: int


class Judge(nn.Module, AttributeReader):
    """The judge of the data set at a resolution: the set's own, from the cache, or trained and put there.

    Its features [B,256] are what its heads see. Images of more than 64 px are read at 64 px.

    practice: images that a procedural data set draws to learn from. tests: its images to be tested on.
    images: how many it is trained on in all; not set: 256,000, and 128,000 below 64 px, where fewer details
        show.

    Attributes: accuracy, chance: of each attribute over the test images that show it and whose captions
    mention it (`counts`: how many), the judge's and that of the most frequent value. seconds: that its
    training took.
    Raises `ZooError` for a data set without attributes, or without images to test the judge on.
    """

    def __init__(
        self,
        setup: ExtractorSetup,
        /,
        *,
        practice: PositiveInt = 24_000,
        tests: PositiveInt = 2_000,
        images: PositiveInt | None = None,
    ) -> None:
        super().__init__()
        self.resolution = min(setup.resolution, LARGEST)
        effort = Effort(practice, tests, images or (256_000 if self.resolution == LARGEST else 128_000))
        dataset = setup.dataset
        if isinstance(dataset, Practising):
            dataset = dataset.standard(math.ceil(self.resolution * MARGIN), effort.tests)
        key = _key(setup, dataset, self.resolution, effort)
        folder = setup.cache / "judges" / key
        brought = (dataset.judges / key,) if isinstance(dataset, WithJudges) else ()
        found = next(filter(None, map(_load, (*brought, folder))), None)
        if found is None:
            network, facts = _trained(setup, _lessons(dataset, setup.source, self.resolution, effort))
            with setup.written(folder) as beside:
                state = network.half().state_dict()
                save_file({name: value.cpu().contiguous() for name, value in state.items()}, beside / WEIGHTS)
                facts |= {"source": setup.source, "sha256": _sha256(beside / WEIGHTS)}
                (beside / FACTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
            found = _load(folder)
            assert found is not None
        self.network, facts = found
        self.id = f"judge-{facts['sha256'][:16]}"
        self.values = self.network.values
        self.accuracy: Mapping[str, float] = facts["accuracy"]
        self.chance: Mapping[str, float] = facts["chance"]
        self.counts: Mapping[str, int] = facts["counts"]
        self.seconds: float = facts["seconds"]

    def forward(self, images: Tensor, layer: Layer = "features") -> Tensor:
        """What the heads see of images [B,3,R,R] in [-1, 1]: [B,256]."""
        return self.network.features(images)

    def read(self, images: Tensor) -> dict[str, Tensor]:
        """Of each attribute the values' numbers [B] int64; `images` is [B,3,R,R] in [-1, 1]."""
        return self.network.read(images)


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


def _key(setup: ExtractorSetup, dataset: Dataset, resolution: int, effort: Effort) -> str:
    """Names all that a judge depends on."""
    what = [VERSION, resolution, effort, MARGIN, BATCH_SIZE, RATE, SEED]
    if isinstance(dataset, Practising):
        what.append(dataset.fingerprint())
    else:
        for split in dataset.splits():
            records = dataset.records(split)
            facts = [(sorted(record.attributes.items()), _sorted(record.stated)) for record in records]
            what += [split, setup.content(records, dataset.fingerprint()), facts]
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

    An attribute of which the splits share fewer than two values names classes: nobody can read unseen ones.
    """
    mentioned: set[str] | None = None
    if any(record.stated is not None for record in test):
        mentioned = set().union(*(each for record in test for each in record.stated or ()))
    values = {}
    for name in sorted(set().union(*(record.attributes for record in train)) if test else ()):
        known, present = (
            {record.attributes[name] for record in records if name in record.attributes}
            for records in (train, test)
        )
        shared = len(present & known - {HIDDEN}) > 1 and any(_tested(record, name, known) for record in test)
        if shared and (mentioned is None or name in mentioned):
            values[name] = tuple(sorted(known))
    return values


def _tested(record: Record, name: str, known: Set[str]) -> bool:
    """Whether a test image counts for an attribute: it shows it, and its captions mention it.

    Where the data does not say what captions mention, every image that shows it counts.
    """
    mentioned = record.stated is None or any(name in each for each in record.stated)
    return mentioned and record.attributes.get(name) in known - {HIDDEN}


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


def _trained(setup: ExtractorSetup, lessons: _Lessons) -> tuple[JudgeNetwork, dict[str, Any]]:
    """A new judge with its accuracy, and what is written about it."""
    start = time.monotonic()
    # Practice images are needed once; other images are shared with whoever else opens the set.
    with tempfile.TemporaryDirectory() if lessons.procedural else nullcontext() as folder:
        train, test = (
            setup.images(
                records,
                f"judge: {what}",
                resolution=lessons.resolution,
                margin=MARGIN,
                fingerprint=fingerprint,
                folder=Path(folder) if folder else None,
            )
            for records, fingerprint, what in zip(
                (lessons.train, lessons.test),
                lessons.fingerprints,
                ("images to learn from", "images to be tested on"),
                strict=True,
            )
        )
        network = _new(lessons.values, lessons.resolution).to(setup.device)
        _fit(setup, network, train, _answers(lessons.train, lessons.values), lessons.images)
        network.half().float()  # as it is kept, in half the room
        read = _read(setup, network, test)
    facts = _facts(network, read, lessons)
    return network, facts | {"seconds": round(time.monotonic() - start, 1)}


def _new(values: Mapping[str, Sequence[str]], resolution: int) -> JudgeNetwork:
    """A judge with its first weights; nobody else's random numbers change."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return JudgeNetwork(values, resolution)


def _batch(
    setup: ExtractorSetup, images: CutImages, indices: Sequence[int], uniform: Tensor | None = None
) -> Tensor:
    """Images [B,3,R,R] in [-1, 1]."""
    return images.cut(indices, uniform).pixels.to(setup.device).float() / 127.5 - 1


def _fit(
    setup: ExtractorSetup, network: JudgeNetwork, images: CutImages, answers: Tensor, count: int
) -> None:
    """AdamW (arXiv:1711.05101) and one cycle of the learning rate (arXiv:1708.07120).

    Crops are random, but never mirrored: an attribute may be left or right.
    """
    size = min(BATCH_SIZE, len(images))
    steps = max(count // size, 2)
    matrices = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.15)
    source = setup.seeded(SEED, "judge")
    order = torch.empty(0, dtype=torch.int64)
    network.train()
    with setup.progress("judge: training", steps) as bar:
        for step in range(steps):
            if len(order) < size:
                order = torch.cat([order, torch.randperm(len(images), generator=source)])
            chosen, order = order[:size], order[size:]
            uniform = torch.rand(size, 4, dtype=torch.float64, generator=source)
            uniform[:, 2] = 1.0  # not mirrored
            logits = network.logits(_batch(setup, images, chosen.tolist(), uniform))
            right = answers[chosen].to(setup.device)
            losses = [
                F.cross_entropy(each, right[:, a], reduction="sum") / size for a, each in enumerate(logits)
            ]
            loss = torch.stack(losses).sum()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            rate.step()
            bar.advance(step + 1, f"loss {loss.detach():.2f}")
    network.eval()


def _read(setup: ExtractorSetup, network: JudgeNetwork, images: CutImages) -> Tensor:
    """What the judge reads of all images, cut from the centre: [n,A]."""
    found = []
    for at in range(0, len(images), BATCH_SIZE):
        batch = _batch(setup, images, range(at, min(at + BATCH_SIZE, len(images))))
        found.append(torch.stack([*network.read(batch).values()], 1).cpu())
    return torch.cat(found)


def _facts(judge: JudgeNetwork, read: Tensor, lessons: _Lessons) -> dict[str, Any]:
    """The judge's accuracy and what chance would get, by attribute."""
    accuracy, chance, counts = {}, {}, {}
    for number, name in enumerate(judge.values):
        pairs = [
            (judge.values[name][int(value)], record.attributes[name])
            for value, record in zip(read[:, number], lessons.test, strict=True)
            if _tested(record, name, set(judge.values[name]))
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


# ---- its files


def _load(folder: Path) -> tuple[JudgeNetwork, dict[str, Any]] | None:
    """A judge and what is written about it; None where there is none, or where its files are not whole."""
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        if _sha256(folder / WEIGHTS) != facts["sha256"]:
            return None
        network = _new(facts["values"], facts["resolution"])
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError):
        return None
    return network.eval(), facts


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
