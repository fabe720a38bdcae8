"""Names of char-CNN-RNN's weights (arXiv:1605.05395), as ports to PyTorch have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from zoo_registry.contracts import Converted, Importer

from .char_cnn_rnn_text import text_encoder


class CharCNNRNNImporter(Importer):
    """Files of the PyTorch ports of Reed's text encoder, in all its incarnations.

    Their names are `conv1.weight` to `emb_proj.bias`, or joined by underscores (`rnn_i2h_weight`), as weights
    alone are published. The number of poolings is in no tensor: the gated network goes with two, the plain
    one with three. `dims` is not read.
    """

    parts: ClassVar[tuple[str, ...]] = ("text_encoder",)
    recipe: ClassVar[str] = "char-cnn-rnn-birds"

    def convert(self, part: str, state: Mapping[str, Tensor], **dims: Any) -> Mapping[str, Converted]:
        """`{"text_encoder": converted}`."""
        return {"text_encoder": text_encoder(state)}
