"""A study whose features, vectors and pictures are given."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import torch

from zoo_registry.contracts import Record
from zoo_registry.evaluation import EvaluationProtocol


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def records(count, *, per_class=None, captions=1):
    """Records with captions of their own; `per_class` of them make a class."""
    return [
        Record(
            name=f"{number:04d}",
            image=Path(f"{number}.png"),
            captions=tuple(f"bird {number}, told {told}" for told in range(captions)),
            label=None if per_class is None else f"class {number // per_class}",
        )
        for number in range(count)
    ]


def part(kind, name, **settings):
    return SimpleNamespace(
        component=SimpleNamespace(kind=kind, name=name), settings=SimpleNamespace(**settings)
    )


class FakeStudy:
    """Features by "drawn", "real", "train"; vectors by caption; pictures by "drawn", "real", "train".

    drawn_of: of each drawn picture its record and the number of its caption; unless told, each record's
        first.
    """

    device = torch.device("cpu")

    def __init__(
        self,
        *,
        split=(),
        drawn_of=None,
        features=None,
        seen=None,
        told=None,
        pictures=None,
        seed=0,
        per_caption=1,
        losses=(),
        text=True,
    ):
        self.split, self.given, self.seen, self.told, self.pictures = split, features, seen, told, pictures
        chosen = [(record, 0) for record in split] if drawn_of is None else drawn_of
        self.records = tuple(record for record, _ in chosen)
        self.captions = tuple(record.captions[number] for record, number in chosen)
        self.stated = (None,) * len(chosen)
        self.protocol = EvaluationProtocol(
            name="fake", version=1, metric="fake", images=len(chosen), seed=seed, per_caption=per_caption
        )
        parts = {"text_encoder": part("text_encoder", "bilstm")} if text else {}
        self.recipe = SimpleNamespace(name="fake-recipe", parts=parts, losses=losses)

    def of_split(self):
        return self.split

    def batches(self, pictures):
        return iter(self.pictures[pictures].split(3))

    def features(self, pictures, extractor, layer="features"):
        return self.given[pictures]

    def matched(self, matcher, captions, pictures="drawn"):
        assert len(set(captions)) == len(captions)
        real = [self.told[record.captions[0]] for record in self.split]  # each as its first caption
        seen = self.seen if pictures == "drawn" else torch.stack(real)
        return seen, torch.stack([self.told[caption] for caption in captions])


def of_features(drawn, real=None, train=None, **more):
    """A study of as many records as there are real features, one drawn picture each in turn."""
    split = records(len(drawn if real is None else real))
    chosen = [(split[number % len(split)], 0) for number in range(len(drawn))]
    return FakeStudy(
        split=split, drawn_of=chosen, features={"drawn": drawn, "real": real, "train": train}, **more
    )
