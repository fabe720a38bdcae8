"""Names of the text side of T2F's weights (github.com/akanimax/T2F) and where they go.

Every size is read off the tensors: the letters in the comments are those of the parts.
"""

from __future__ import annotations

from zoo_registry.contracts import Converted, TextSource, TextSpec

from .tables import State, Table, count, rename, shape

_SYSTEM = "T2F"

_TEXT_ENCODER: Table = {
    r"network\.0\.weight": r"embedding.weight",
    r"network\.1\.((?:weight|bias)_[ih]h_l\d+)": r"rnn.\1",
}
_CONDITIONING: Table = {
    r"transformer\.linear\.weight": r"fc.weight",
    r"transformer\.bias": r"fc.bias",
}


def text_encoder(state: State) -> dict[str, Converted]:
    """`Encoder_k.pth`: an encoder that reads its padding, as the original does."""
    part = "text encoder"
    entries, word_width = shape(state, "network.0.weight", _SYSTEM, part)  # [V,E]
    gates, width = shape(state, "network.1.weight_hh_l0", _SYSTEM, part)  # [4D,D] or [3D,D]
    settings = {
        "width": width,
        "word_width": word_width,
        "cell": "lstm" if gates == 4 * width else "gru",
        "layers": count(state, r"network\.1\.weight_hh_l(\d+)"),
        "read_out": "padded",
    }
    renamed = rename(state, _TEXT_ENCODER, _SYSTEM, part)
    return {"text_encoder": Converted("lstm", settings, renamed, source=TextSource(entries=entries))}


def conditioning(state: State) -> dict[str, Converted]:
    """`Condition_Augmentor_k.pth`: equalised, and its spread a ReLU above 1e-12."""
    part = "conditioning"
    outputs, text_width = shape(state, "transformer.linear.weight", _SYSTEM, part)  # [2C,D]
    settings = {
        "width": outputs // 2,
        "activation": "none",
        "spread": "relu",
        "spread_floor": 1e-12,
        "equalised": True,
    }
    renamed = rename(state, _CONDITIONING, _SYSTEM, part)
    text = TextSpec(text_width, words=True)
    return {"conditioning": Converted("augmentation", settings, renamed, text=text)}
