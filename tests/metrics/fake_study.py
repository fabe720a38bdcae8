"""A study whose features, vectors and images are given."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import torch

from zoo_registry.contracts import EvaluationProtocol, Record


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
    """Features by "generated", "real", "train"; vectors by caption; images by "generated", "real", "train".

    generated_of: of each generated image its record and the number of its caption; None: each record with
        its first caption.
    """

    device = torch.device("cpu")

    def __init__(
        self,
        *,
        split=(),
        generated_of=None,
        features=None,
        image_vectors=None,
        caption_vectors=None,
        images=None,
        seed=0,
        per_caption=1,
        losses=(),
        text=True,
    ):
        self.split, self.given, self.image_vectors, self.caption_vectors, self.images = (
            split,
            features,
            image_vectors,
            caption_vectors,
            images,
        )
        chosen = [(record, 0) for record in split] if generated_of is None else generated_of
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

    def require(self, *images):
        pass

    def batches(self, images):
        return iter(self.images[images].split(3))

    def features(self, images, extractor, layer="features"):
        return self.given[images]

    def matched(self, matcher, captions, images="generated"):
        assert len(set(captions)) == len(captions)
        real = [
            self.caption_vectors[record.captions[0]] for record in self.split
        ]  # each as its first caption
        seen = self.image_vectors if images == "generated" else torch.stack(real)
        return seen, torch.stack([self.caption_vectors[caption] for caption in captions])


def of_features(generated, real=None, train=None, **more):
    """A study of as many records as there are real features, one generated image each in turn."""
    split = records(len(generated if real is None else real))
    chosen = [(split[number % len(split)], 0) for number in range(len(generated))]
    return FakeStudy(
        split=split,
        generated_of=chosen,
        features={"generated": generated, "real": real, "train": train},
        **more,
    )
