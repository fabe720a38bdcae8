"""Names of char-CNN-RNN's weights (arXiv:1605.05395), as ports to PyTorch have them, and where they go.

Every size is read off the tensors: the letters in the comments are those of the part.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

from zoo_registry.contracts import Converted, TextSource

from .tables import State, Table, rename, shape

_SYSTEM = "char-CNN-RNN"
_PART = "text encoder"


_JOINED = re.compile(r"(conv\d|emb_proj|rnn)_(?:([ih]2h(?:_update|_reset)?)_)?(weight|bias)")

_TABLE: Table = {
    r"conv(\d)\.(weight|bias)": lambda m: f"convolutions.{int(m[1]) - 1}.{m[2]}",
    r"rnn\.([ih]2h(?:_update|_reset)?\.(?:weight|bias))": r"recurrence.\1",
    r"emb_proj\.(weight|bias)": r"projection.\1",
}


def text_encoder(state: State) -> Converted:
    """The text encoder, by its recurrent cell."""
    dotted = {_dotted(name): tensor for name, tensor in state.items()}
    channels = [shape(dotted, f"conv{place}.weight", _SYSTEM, _PART)[0] for place in (1, 2, 3)]  # [C,·,4]
    width, _ = shape(dotted, "emb_proj.weight", _SYSTEM, _PART)  # [D,W]
    gated = "rnn.h2h_update.weight" in dotted
    stacked = _stacked(dotted) if gated else {}
    settings = {
        "width": width,
        "channels": channels,
        "poolings": 2 if gated else 3,
        "cell": "gru" if gated else "rnn",
    }
    left = {name: tensor for name, tensor in dotted.items() if not (gated and name in _STACKED)}
    renamed = rename(left, _TABLE, _SYSTEM, _PART) | stacked
    return Converted("char-cnn-rnn", settings, renamed, source=TextSource())


def _dotted(name: str) -> str:
    match = _JOINED.fullmatch(name)
    return name if match is None else ".".join(filter(None, match.groups()))


_STACKS = {
    "i2h": ("i2h_update", "i2h_reset", "i2h"),
    "gates": ("h2h_update", "h2h_reset"),
    "h2h": ("h2h",),
}
_STACKED = {
    f"rnn.{name}.{leaf}" for names in _STACKS.values() for name in names for leaf in ("weight", "bias")
}


def _stacked(state: State) -> dict[str, Tensor]:
    """The layers of a gated recurrence as ours has them: those with one input are one."""
    result = {}
    for ours, theirs in _STACKS.items():
        for leaf in ("weight", "bias"):
            names = [f"rnn.{name}.{leaf}" for name in theirs]
            for name in names:
                shape(state, name, _SYSTEM, _PART)
            result[f"recurrence.{ours}.{leaf}"] = torch.cat([state[name] for name in names])
    return result
