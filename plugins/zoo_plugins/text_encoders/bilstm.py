"""Recurrent text encoder: AttnGAN (arXiv:1711.10485), section 3.2, "the text encoder".

Letters as in zoo_registry.contracts; also E word embedding width.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveInt
from torch import nn

from zoo_registry.contracts import Text, TextEncoder, TextSource, TextSpec, Tokens

from .words import WordEncoder, read_to_the_end


class BiLSTM(WordEncoder, TextEncoder):
    """Words to a sentence [B,D] and vectors [B,L,D], 0 where padded.

    width: D, of words and sentence, even. word_width: E, of an embedded word.
    cell: of the recurrent network. layers: of the recurrent network, one upon the other.
    dropout: share of the embedded words' values, and of those between layers, that is set to 0 in training.
    max_words: of a longer caption, the first `max_words` known words are read. The authors' code generates a
        random subset each time, when sampling too, so that one caption gives many images.
    pooling: what of the words makes the sentence: "last", the last states of both directions (AttnGAN), or
        "max", the largest value of each channel over the words (InferSent, arXiv:1705.02364, section 3.2.3),
        which keeps what single words tell.

    The weights belong to the vocabulary: loading a state of another number of entries raises ZooError.
    """

    def __init__(
        self,
        source: TextSource,
        /,
        *,
        width: Annotated[PositiveInt, Field(multiple_of=2)] = 256,
        word_width: PositiveInt = 300,
        cell: Literal["lstm", "gru"] = "lstm",
        layers: PositiveInt = 1,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5,
        max_words: PositiveInt = 18,
        pooling: Literal["last", "max"] = "last",
    ) -> None:
        super().__init__(source, word_width, max_words)
        self.spec = TextSpec(width, words=True, entries=len(self.vocabulary))
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.rnn = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](
            word_width,
            width // 2,
            layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout
            if layers > 1
            else 0.0,  # falls between layers only; torch warns where there is one
        )

    def forward(self, tokens: Tokens) -> Text:
        """Read a batch; lengths may come in any order, and no caption depends on its neighbours."""
        ids, mask = tokens
        words, hidden = read_to_the_end(self.rnn, self.dropout(self.embedding(ids)), mask)
        if self.pooling == "max":
            sentence = words.masked_fill(~mask[:, :, None], float("-inf")).amax(1)
        else:
            sentence = torch.cat([hidden[-2], hidden[-1]], dim=1)
        return Text(sentence, words, mask, ids)
