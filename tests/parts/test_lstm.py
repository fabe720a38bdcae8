"""The stacked recurrent text encoder, with its sentence taken at the caption's end or after the padding."""

import pytest
import torch

from zoo_plugins.text_encoders.lstm import LSTMEncoder
from zoo_registry.contracts import TextSource, Tokens

CAPTIONS = ["a small red bird with a black beak", "this bird is blue", "a bird"]


def encoder(**settings):
    torch.manual_seed(0)
    small = {"width": 12, "word_width": 8, "layers": 2, "max_words": 20}
    return LSTMEncoder(TextSource(captions=CAPTIONS), **small | settings).eval()


@torch.no_grad()
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_sentence_is_the_output_at_the_last_word(cell):
    module = encoder(cell=cell)
    sentence, words, mask, _ = module(module.tokenize(CAPTIONS))
    for row, length in enumerate([8, 4, 2]):
        assert mask[row].sum() == length
        assert torch.equal(sentence[row], words[row, length - 1])
        assert not words[row, length:].any()
        assert words[row, :length].any(1).all()


@torch.no_grad()
@pytest.mark.parametrize("read_out", ["last", "padded"])
def test_a_caption_reads_the_same_alone_and_among_others(read_out):
    module = encoder(read_out=read_out)
    together = module(module.tokenize(CAPTIONS))
    for row, caption in enumerate(CAPTIONS):
        alone = module(module.tokenize([caption]))
        assert torch.allclose(together.sentence[row], alone.sentence[0], atol=1e-6)
        assert torch.allclose(together.words[row, : alone.words.shape[1]], alone.words[0], atol=1e-6)


@torch.no_grad()
def test_padded_reads_on_to_the_last_position_as_the_original_does():
    last, padded = encoder(), encoder(read_out="padded")
    tokens = last.tokenize(CAPTIONS)
    assert torch.allclose(padded(tokens).words, last(tokens).words, atol=1e-6)
    ids = torch.zeros(1, 20, dtype=torch.int64)
    ids[0, :2] = tokens.ids[2, :2]
    every = last(Tokens(ids, torch.ones_like(ids, dtype=torch.bool)))  # as if the padding were words
    assert torch.allclose(padded(tokens).sentence[2], every.sentence[0], atol=1e-6)
    gap = (padded(tokens).sentence - last(tokens).sentence).abs().max()
    assert gap > 0.01, "18 paddings more make a difference"
    # what captions have in common after the padding is more than what they had at their ends
    spread = {read_out: m(tokens).sentence.std(0).mean() for read_out, m in (("l", last), ("p", padded))}
    assert spread["p"] < spread["l"] / 2


def test_longer_captions_are_cut():
    module = encoder(max_words=3)
    assert module.split(CAPTIONS[0]) == ("a", "small", "red")
    assert module(module.tokenize(CAPTIONS)).words.shape == (3, 3, 12)
