"""bf16 beside float32: the same step, but for rounding."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from accelerate import PartialState
from torch import nn

from zoo.assemble import assemble
from zoo.training.learner import Learner
from zoo.training.schedule import constant, resolution_of
from zoo_plugins.text_encoders.char_cnn_rnn import CharCNNRNN
from zoo_plugins.text_encoders.words import read_to_the_end
from zoo_registry import Recipe, catalogue
from zoo_registry.contracts import Batch, TextSource

CAPTIONS = ("a red bird", "a small blue bird with a long beak", "the bird is white", "a bird")
SETS = ("-aviary", "-garden", "-portraits")
AUGMENTED = 'augmentations=[{ use = "ada", kimg = 0.04 }, { use = "diffaugment" }]'


def small() -> list[str]:
    """The recipes of GANs for a procedural data set."""
    names = [name for name in catalogue().recipe_names() if name.endswith(SETS)]
    return [name for name in names if Recipe.read(name, catalogue()).task.name == "gan"]


def stepped(name: str, precision: str) -> tuple[dict[str, float], float]:
    """The terms of a step, and how often ADA augments after it."""
    recipe = Recipe.read(name, catalogue(), [AUGMENTED, "train.batch_size=4", f"train.precision={precision}"])
    parts = assemble(recipe, TextSource(captions=CAPTIONS), loading=True)
    resolution = resolution_of(recipe)
    pixels = torch.randint(
        256, (4, 3, resolution, resolution), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )
    batch = Batch(pixels, CAPTIONS, torch.tensor([0, 0, 1, 2]), torch.arange(4))
    learner = Learner(recipe, parts, PartialState(cpu=True), constant(resolution, 4, 4))
    terms = learner.step([batch] * learner.schedule.batches, 0)
    ada: Any = parts.augmentations[0]
    return {name: float(term) for name, term in terms.items()}, float(ada.p)


@pytest.mark.parametrize("name", small())
def test_augmented_steps_are_those_of_float32_but_for_rounding(name: str) -> None:
    whole, half = stepped(name, "float32"), stepped(name, "bf16")
    assert half[0] == pytest.approx(whole[0], rel=0.1, abs=0.05)
    assert half[1] in (0.0, pytest.approx(0.1))


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_recurrence_over_words_does_not_round(kind: type[nn.RNNBase]) -> None:
    rnn = kind(8, 16, batch_first=True, bidirectional=True)
    embedded = torch.randn(2, 30, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
    mask = torch.arange(30) < torch.tensor([[30], [12]])
    with torch.autocast("cpu", torch.bfloat16):
        half = read_to_the_end(rnn, embedded, mask)
    for value, expected in zip(half, read_to_the_end(rnn, embedded.float(), mask), strict=True):
        assert torch.equal(value, expected)


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_a_recurrence_over_characters_does_not_round(cell: Any) -> None:
    encoder = CharCNNRNN(TextSource(), width=16, channels=(8, 8, 32), cell=cell).eval()
    given: list[torch.Tensor] = []
    encoder.recurrence.register_forward_hook(lambda _, inputs, out: given.extend((*inputs, out)))
    with torch.autocast("cpu", torch.bfloat16):
        encoder(encoder.tokenize(CAPTIONS))
    assert torch.equal(given[1], encoder.recurrence(given[0].float()))
