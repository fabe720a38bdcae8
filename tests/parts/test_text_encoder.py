"""The vocabulary and the recurrent text encoder: what reaches the generator from a caption."""

import json

import pytest
import torch

from zoo_plugins.text_encoders.bilstm import BiLSTM
from zoo_plugins.text_encoders.vocabulary import Vocabulary
from zoo_registry.contracts import TextSource
from zoo_registry.errors import ZooError

CAPTIONS = [
    "A small red bird with a black beak.",
    "this BIRD is blue",
    "a bird",
    "The very long-tailed bird has a red crown, a white belly and two pale wing bars",
]


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return BiLSTM(TextSource(captions=CAPTIONS), width=16, word_width=12, max_words=9).eval()


def test_vocabulary_has_padding_first_then_frequent_words_then_the_alphabet():
    assert Vocabulary.build(["b a", "a c", "A!"]).words == ("<end>", "a", "b", "c")


def test_vocabulary_does_not_depend_on_the_order_of_captions():
    assert Vocabulary.build(CAPTIONS).fingerprint == Vocabulary.build(CAPTIONS[::-1]).fingerprint


def test_vocabulary_of_no_words_is_refused():
    with pytest.raises(ZooError, match="no captions with a word"):
        Vocabulary.build(["", "..."])


def test_saved_vocabulary_gives_the_same_tokens(encoder, tmp_path):
    encoder.save_tokenizer(tmp_path)
    again = BiLSTM(TextSource(folder=tmp_path), width=16, word_width=12, max_words=9)
    assert torch.equal(again.tokenize(CAPTIONS).ids, encoder.tokenize(CAPTIONS).ids)
    assert again.vocabulary.fingerprint == encoder.vocabulary.fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["vocabulary.json"]  # nothing left beside it


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 2}, "upgrade"),
        ({"format": "1"}, "not a vocabulary"),
        ({"tokenizer": {"pattern": "."}}, "tokenizer"),
        ({"words": ["a"]}, "<end>"),
        ({"words": ["<end>", 3]}, "list of words"),
        ({"words": ["<end>", "a", "a"]}, "'a' more than once"),
    ],
)
def test_damaged_vocabulary_is_reported(tmp_path, change, told):
    Vocabulary.build(CAPTIONS).save(tmp_path)
    path = tmp_path / "vocabulary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ZooError, match=told) as error:
        Vocabulary.load(tmp_path)
    assert str(path) in str(error.value)


def test_vocabulary_that_is_cut_off_or_missing_is_reported(tmp_path):
    with pytest.raises(ZooError, match="no such file"):
        Vocabulary.load(tmp_path)
    (tmp_path / "vocabulary.json").write_text('{"format": 1, "wor')
    with pytest.raises(ZooError, match="cannot be read as JSON"):
        Vocabulary.load(tmp_path)


def test_tokens(encoder):
    ids, mask = encoder.tokenize(["a red bird", "bird", "zzz"])
    index = encoder.vocabulary.index
    assert ids.tolist() == [[index["a"], index["red"], index["bird"]], [index["bird"], 0, 0], [0, 0, 0]]
    assert mask.tolist() == [[True, True, True], [True, False, False], [True, False, False]]


def test_unknown_words_are_named_once_and_left_out(encoder):
    caption = "A purple bird, purple and Green"
    assert encoder.unknown(caption) == ("purple", "green")
    assert encoder.split(caption) == ("a", "bird", "and")


def test_a_caption_of_unknown_words_is_one_padding_word(encoder):
    assert encoder.split("zzz") == ()


def test_the_first_known_words_of_a_long_caption_are_read(encoder):
    assert encoder.split("zzz " + CAPTIONS[3]) == (
        *("the", "very", "long", "tailed", "bird", "has"),
        *("a", "red", "crown"),
    )


@torch.no_grad()
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_caption_reads_the_same_alone_and_among_others(cell, layers):
    torch.manual_seed(0)
    encoder = BiLSTM(TextSource(captions=CAPTIONS), width=16, word_width=12, cell=cell, layers=layers).eval()
    together = encoder(encoder.tokenize(CAPTIONS))
    for i, caption in enumerate(CAPTIONS):
        alone = encoder(encoder.tokenize([caption]))
        length = alone.words.shape[1]
        assert (together.sentence[i] - alone.sentence[0]).abs().max() < 1e-6
        assert (together.words[i, :length] - alone.words[0]).abs().max() < 1e-6
        assert not together.words[i, length:].any()
        assert together.mask[i].sum() == length


@torch.no_grad()
def test_the_sentence_holds_the_end_of_both_directions(encoder):
    sentence, words, *_ = encoder(encoder.tokenize(CAPTIONS[:1]))
    assert torch.equal(sentence[:, :8], words[:, -1, :8])  # forwards ends at the last word
    assert torch.equal(sentence[:, 8:], words[:, 0, 8:])  # backwards at the first


def test_max_pooling_takes_the_largest_value_of_each_channel_over_the_words():
    torch.manual_seed(0)
    encoder = BiLSTM(TextSource(captions=CAPTIONS), width=16, word_width=12, pooling="max").eval()
    text = encoder(encoder.tokenize(CAPTIONS))
    for sentence, words, mask in zip(text.sentence, text.words, text.mask, strict=True):
        assert torch.equal(sentence, words[mask].max(0).values), "padding, which is 0, does not count"


def test_weights_of_another_vocabulary_are_refused(encoder):
    other = BiLSTM(TextSource(entries=5450), width=16, word_width=12)
    own = len(encoder.vocabulary)
    with pytest.raises(ZooError, match=f"the weights know 5450 words, the vocabulary has {own}"):
        encoder.load_state_dict(other.state_dict())


def test_weights_without_their_words_read_nothing():
    encoder = BiLSTM(TextSource(entries=7), width=16, word_width=12)
    assert encoder.embedding.num_embeddings == 7
    assert encoder.unknown("a bird") == ("a", "bird")
