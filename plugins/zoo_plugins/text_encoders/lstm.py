"""Stacked recurrent text encoder: T2F (github.com/akanimax/T2F), whose captions describe faces at length.

Letters as in zoo_registry.contracts; also E word embedding width.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import PositiveInt
from torch import nn

from zoo_registry.contracts import Text, TextEncoder, TextSource, TextSpec, Tokens

from .onnx_rnn import read_exported
from .words import WordEncoder, in_float32, read_to_the_end


class LSTMEncoder(WordEncoder, TextEncoder):
    """Words, read once from the first to the last, to a sentence [B,D] and vectors [B,L,D], 0 where padded.

    width: D, of words and sentence. word_width: E, of an embedded word.
    cell: of the recurrent network. layers: of the recurrent network, one upon the other.
    max_words: of a longer caption, the first `max_words` known words are read.
    read_out: where the sentence is taken. "last": after the caption's last word. "padded": after `max_words`
        positions, most of them padding (index 0) that the network goes on reading, as the original does; what
        is left of a short caption by then is little. Right for the original's weights.

    The weights belong to the vocabulary: loading a state of another number of entries raises ZooError.
    """

    def __init__(
        self,
        source: TextSource,
        /,
        *,
        width: PositiveInt = 256,
        word_width: PositiveInt = 128,
        cell: Literal["lstm", "gru"] = "lstm",
        layers: PositiveInt = 3,
        max_words: PositiveInt = 100,
        read_out: Literal["last", "padded"] = "last",
    ) -> None:
        super().__init__(source, word_width, max_words)
        self.spec = TextSpec(width, words=True, entries=len(self.vocabulary))
        self.read_out = read_out
        self.rnn = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](word_width, width, layers, batch_first=True)

    def forward(self, tokens: Tokens) -> Text:
        """Read a batch; lengths may come in any order, and no caption depends on its neighbours."""
        ids, mask = tokens
        if self.read_out == "last":
            words, hidden = read_to_the_end(self.rnn, self.embedding(ids), mask)
            return Text(hidden[-1], words, mask, ids)
        length = ids.shape[1]
        embedded = self.embedding(F.pad(ids, (0, self.max_words - length)))
        outputs, _ = (
            read_exported(self.rnn, embedded, None)
            if torch.onnx.is_in_onnx_export()
            else in_float32(self.rnn, embedded)
        )
        return Text(outputs[:, -1], outputs[:, :length] * mask[:, :, None], mask, ids)
