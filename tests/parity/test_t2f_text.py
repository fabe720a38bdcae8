"""T2F's text side in our parts computes what the original computes: its LSTM and its augmentation."""

import pytest
import torch

from zoo.legacy import convert
from zoo_registry.contracts import Tokens
from zoo_registry.errors import ZooError

EMBEDDINGS = 1e-5


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def test_text_encoder(parity, near):
    state, dims, x, _ = parity("t2f_text_encoder")
    encoder = convert("t2f", "text_encoder", state, **dims)
    ids = x["captions"]
    near(encoder(Tokens(ids, ids != 0)).sentence, x["sentence"], EMBEDDINGS)
    assert len(encoder.vocabulary) == 2000
    # our own tokens are as long as the longest caption: the second one has 30 words
    short = encoder(Tokens(ids[1:, :30], ids[1:, :30] != 0))
    near(short.sentence, x["sentence"][1:], EMBEDDINGS)


def test_conditioning(parity, near):
    state, dims, x, _ = parity("t2f_conditioning")
    conditioning = convert("t2f", "conditioning", state, **dims)
    condition = conditioning(10 * x["sentence"], noise=x["eps"])
    near(condition.mean, x["mu"], EMBEDDINGS)
    near((condition.logvar / 2).exp(), x["sigma"], EMBEDDINGS)
    near(condition.code, x["condition"], EMBEDDINGS)


def test_the_file_of_another_part_is_reported(parity):
    state, _, _, _ = parity("t2f_text_encoder")
    with pytest.raises(
        ZooError, match=r"not the weights of a T2F conditioning.*'transformer\.linear\.weight'"
    ):
        convert("t2f", "conditioning", state)
