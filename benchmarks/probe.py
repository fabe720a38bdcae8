"""`python -m benchmarks.probe MODEL DATA`: what sentence vectors say about attributes in captions.

A linear classifier per attribute learns from the sentence vectors of the training captions and reads those of
the test captions, whose classes are others. What it cannot read, a generator or a discriminator that is
given the sentence alone can hardly follow.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.assemble import assemble
from zoo.data.source import open_dataset
from zoo.files.model import Model
from zoo.models.locate import locate
from zoo_registry import catalogue
from zoo_registry.contracts import Record, TextEncoder, TextSource

STEPS, BATCH_SIZE, RATE, SEED = 150, 512, 3e-2, 0

Stated = tuple[str, Mapping[str, str]]  # a caption and the attributes that it states


def stated(records: Sequence[Record]) -> list[Stated]:
    """Every caption with what it states."""
    return [
        (caption, {name: record.attributes[name] for name in names})
        for record in records
        for caption, names in zip(record.captions, record.stated or (), strict=True)
    ]


@torch.no_grad()
def sentences(encoder: TextEncoder, captions: Sequence[Stated]) -> Tensor:
    """Sentence vectors [n,D]."""
    texts = [caption for caption, _ in captions]
    assert isinstance(encoder, nn.Module)
    return torch.cat(
        [encoder(encoder.tokenize(texts[at : at + 256])).sentence for at in range(0, len(texts), 256)]
    )


def read(name: str, train: tuple[Tensor, list[Stated]], test: tuple[Tensor, list[Stated]]) -> float:
    """The share of test captions stating an attribute whose value a linear classifier reads."""
    values = sorted({facts[name] for _, facts in train[1] if name in facts})
    (inputs, targets), (unseen, answers) = (
        (
            vectors[[at for at, (_, facts) in enumerate(captions) if facts.get(name) in values]],
            torch.tensor([values.index(facts[name]) for _, facts in captions if facts.get(name) in values]),
        )
        for vectors, captions in (train, test)
    )
    source = torch.Generator().manual_seed(SEED)
    layer = nn.Linear(inputs.shape[1], len(values))
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    optimiser = torch.optim.Adam(layer.parameters(), RATE, weight_decay=1e-4)
    for _ in range(STEPS):
        batch = torch.randint(len(inputs), (BATCH_SIZE,), generator=source)
        optimiser.zero_grad()
        F.cross_entropy(layer(inputs[batch]), targets[batch]).backward()
        optimiser.step()
    return (layer(unseen).argmax(1) == answers).float().mean().item()


def probe(model: str, data: str) -> dict[str, float]:
    """By attribute, and "mean"."""
    folder = locate(model, parts=("text_encoder",))
    recipe = Model(folder).recipe()
    parts = assemble(recipe, TextSource(), kinds=["text_encoder"], folder=folder)
    dataset = open_dataset(data, catalogue())
    splits = [stated(dataset.records(split)) for split in ("train", "test")]
    encoder = parts.text_encoder.eval()
    train, test = (sentences(encoder, captions) for captions in splits)
    mean, spread = train.mean(0), train.std(0) + 1e-6
    names = sorted({name for _, facts in splits[1] for name in facts})
    scores = {
        name: read(name, ((train - mean) / spread, splits[0]), ((test - mean) / spread, splits[1]))
        for name in names
    }
    return {
        name: round(score, 4)
        for name, score in {**scores, "mean": sum(scores.values()) / len(scores)}.items()
    }


def main() -> None:
    """Probe one model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a trained model or run with a text encoder")
    parser.add_argument("data", help="a procedural data set, as aviary:4000,mixed")
    arguments = parser.parse_args()
    print(json.dumps(probe(arguments.model, arguments.data), indent=2))


if __name__ == "__main__":
    main()
