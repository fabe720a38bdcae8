"""Our text encoder, holding char-CNN-RNN's weights, computes what the original computes."""

import pytest
import torch
import torch.nn.functional as F

from zoo.legacy import convert
from zoo_registry.errors import ZooError

EMBEDDINGS = 1e-5
CAPTIONS = [
    "a small yellow bird with a black crown and a short, pointed beak.",
    "This flower has 5 purple petals; they're spotted with WHITE & yellow #dots (very large)!",
    "the bird has a long neck, " + 5 * "brown and white feathers all over its body and wings, ",
]


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def test_the_cvpr_network(parity, near):
    state, dims, x, _ = parity("char_cnn_rnn_birds_cvpr")
    encoder = convert("char-cnn-rnn", "text_encoder", state, **dims)
    tokens = encoder.tokenize(CAPTIONS)
    assert torch.equal(tokens.ids, x["onehot_index"])
    near(encoder(tokens).sentence, x["embedding"], EMBEDDINGS)
    assert encoder.spec.width == 1024


def test_names_joined_by_underscores(parity, near):
    state, _, x, _ = parity("char_cnn_rnn_birds_cvpr")
    encoder = convert("char-cnn-rnn", "text_encoder", {k.replace(".", "_"): v for k, v in state.items()})
    near(encoder(encoder.tokenize(CAPTIONS)).sentence, x["embedding"], EMBEDDINGS)


@pytest.fixture
def gated():
    """Weights of the "Long" network with gates, narrow; no fixture of the original's is at hand."""
    source = torch.Generator().manual_seed(0)
    layers = {"conv1": (5, 70, 4), "conv2": (7, 5, 4), "conv3": (6, 7, 4), "emb_proj": (11, 6)}
    layers |= {f"rnn.{way}2h{gate}": (6, 6) for way in ("i", "h") for gate in ("", "_update", "_reset")}
    weights = {f"{n}.weight": torch.randn(s, generator=source) for n, s in layers.items()}
    return weights | {f"{n}.bias": torch.randn(s[0], generator=source) for n, s in layers.items()}


def test_the_gated_network_of_the_birds(gated, near):
    encoder = convert("char-cnn-rnn", "text_encoder", gated)
    tokens = encoder.tokenize(CAPTIONS)

    def layer(name, inputs):
        return F.linear(inputs, gated[f"{name}.weight"], gated[f"{name}.bias"])

    hidden = F.one_hot(tokens.ids + 1, 71)[:, :, 1:].transpose(1, 2).float()
    for name in ("conv1", "conv2", "conv3"):
        hidden = F.relu(F.conv1d(hidden, gated[f"{name}.weight"], gated[f"{name}.bias"]))
        if name != "conv3":
            hidden = F.max_pool1d(hidden, 3)
    states = []
    for x in hidden.unbind(2):
        if not states:
            states.append(layer("rnn.i2h", x).tanh())
            continue
        update = (layer("rnn.i2h_update", x) + layer("rnn.h2h_update", states[-1])).sigmoid()
        reset = (layer("rnn.i2h_reset", x) + layer("rnn.h2h_reset", states[-1])).sigmoid()
        candidate = (layer("rnn.i2h", x) + layer("rnn.h2h", reset * states[-1])).tanh()
        states.append(update * candidate + (1 - update) * states[-1])
    assert len(states) == 18
    near(encoder(tokens).sentence, layer("emb_proj", torch.stack(states).mean(0)), EMBEDDINGS)


def test_what_is_missing_or_unknown_is_reported_by_the_originals_names(parity, gated):
    state, _, _, _ = parity("char_cnn_rnn_birds_cvpr")
    with pytest.raises(ZooError, match=r"no place for these weights: rnn\.memory"):
        convert("char-cnn-rnn", "text_encoder", {**state, "rnn.memory": torch.zeros(1)})
    with pytest.raises(ZooError, match=r"they would hold 'conv1\.weight'; these begin with encoder\.weight"):
        convert("char-cnn-rnn", "text_encoder", {"encoder.weight": torch.zeros(1)})
    del gated["rnn.h2h_reset.bias"]
    with pytest.raises(ZooError, match=r"they would hold 'rnn\.h2h_reset\.bias'"):
        convert("char-cnn-rnn", "text_encoder", gated)
