"""The character-level text encoder: what it reads of a caption, and its steps as words."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from zoo_plugins.text_encoders.char_cnn_rnn import (
    SYMBOLS,
    CharCNNRNN,
    GatedRecurrence,
    PlainRecurrence,
)
from zoo_registry.contracts import TextSource

SMALL = {"width": 12, "channels": (8, 8, 8)}
LONG = "a bird whose wings and back are of a very deep blue, while its belly is white. " * 3


def encoder(**settings):
    torch.manual_seed(0)
    return CharCNNRNN(TextSource(), **SMALL | settings).eval()


def test_symbols_are_numbered_by_their_channel_and_a_dash_by_its_second():
    ids, mask = encoder().tokenize(["a z09-, "])
    assert ids.shape == (1, 201)
    assert ids[0, :9].tolist() == [0, 69, 25, 26, 35, 59, 37, 69, -1]
    assert mask.sum() == 8
    assert len(SYMBOLS) == 70


def test_an_unknown_character_keeps_its_place_and_is_named_once():
    module = encoder()
    ids, mask = module.tokenize(["à à\na"])
    assert ids[0, :5].tolist() == [-1, 69, -1, -1, 0]
    assert mask[0, :5].tolist() == [False, True, False, False, True]
    assert module.unknown("à à\na") == ("à", "\n")
    assert module.split("à à\na") == (" ", "a")


def test_a_caption_without_a_symbol_is_one_masked_position():
    module = encoder()
    for caption in ("", "é"):
        assert module.tokenize([caption]).mask[0].tolist() == [True] + [False] * 200
        assert module.split(caption) == ()


@torch.no_grad()
def test_capitals_read_as_small_letters_and_the_rest_of_a_long_caption_not_at_all():
    module = encoder()

    def sentence(caption):
        return module(module.tokenize([caption])).sentence

    assert torch.equal(sentence("A Red Bird"), sentence("a red bird"))
    assert torch.equal(sentence(LONG), sentence(LONG[:201] + "x"))
    assert not torch.equal(sentence(LONG), sentence("x" + LONG[1:]))


@pytest.mark.parametrize(("poolings", "steps", "stride", "span"), [(3, 8, 18, 66), (2, 18, 9, 48)])
def test_split_gives_the_slice_that_each_step_reads(poolings, steps, stride, span):
    module = encoder(poolings=poolings, steps_as_words=True)
    labels = module.split(LONG)
    assert labels == tuple(LONG[i * stride : i * stride + span][: 201 - i * stride] for i in range(steps))


@torch.no_grad()
@pytest.mark.parametrize("poolings", [2, 3])
def test_a_step_reads_its_slice_and_nothing_else(poolings):
    module = encoder(poolings=poolings)
    read = []
    module.recurrence.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    module(module.tokenize([LONG, *(LONG[:place] + "#" + LONG[place + 1 :] for place in range(201))]))
    own, *others = read[0]  # [S,W] each
    touched = torch.stack([(own != other).any(1) for other in others])  # [201,S]
    for step, places in enumerate(touched.T):
        begin = step * module.stride
        inside = places.nonzero()
        assert inside.min() >= begin
        assert inside.max() < begin + module.receptive_field
        assert len(inside) > 10


@torch.no_grad()
@pytest.mark.parametrize("poolings", [2, 3])
def test_words_are_the_steps_that_begin_in_the_caption(poolings):
    module = encoder(poolings=poolings, steps_as_words=True)
    captions = ["", "a", "a bird whose wings are blue, é é é é é é é é é", LONG[:100], LONG]
    _, words, mask, _ = module(module.tokenize(captions))
    assert module.spec.words
    assert words.shape == (len(captions), module.steps, 12)
    for caption, row, vectors in zip(captions, mask, words, strict=True):
        assert row.sum() == max(1, len(module.split(caption)))
        assert row[: row.sum()].all()
        assert not vectors[~row].any()
        assert vectors[row].any()
    assert module.split(captions[3])[-1] == captions[3][module.stride * (mask[3].sum() - 1) :]


def test_words_are_projected_only_where_their_width_is_another():
    assert isinstance(encoder(width=8, steps_as_words=True).word_projection, nn.Identity)
    assert encoder(width=12, steps_as_words=True).word_projection.weight.shape == (12, 8)
    assert not hasattr(encoder(), "word_projection")


@torch.no_grad()
def test_the_first_plain_step_has_no_hidden_bias():
    torch.manual_seed(0)
    recurrence = PlainRecurrence(4)
    inputs = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    states = recurrence(inputs)
    assert torch.equal(states[:, 0], F.relu(recurrence.i2h(inputs[:, 0])))
    expected = F.relu(recurrence.i2h(inputs[:, 1]) + recurrence.h2h(states[:, 0]))
    assert torch.allclose(states[:, 1], expected, atol=1e-6)


@torch.no_grad()
def test_the_gated_step_resets_before_its_matrix():
    torch.manual_seed(0)
    recurrence = GatedRecurrence(4)
    inputs = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    states = recurrence(inputs)
    update, reset, candidate = recurrence.i2h(inputs).chunk(3, dim=2)
    assert torch.allclose(states[:, 0], candidate[:, 0].tanh(), atol=1e-6)
    for step in (1, 2):
        before = states[:, step - 1]
        hidden_update, hidden_reset = recurrence.gates(before).chunk(2, dim=1)
        share = (update[:, step] + hidden_update).sigmoid()
        kept = (reset[:, step] + hidden_reset).sigmoid() * before
        new = (candidate[:, step] + recurrence.h2h(kept)).tanh()
        assert torch.allclose(states[:, step], share * new + (1 - share) * before, atol=1e-6)
