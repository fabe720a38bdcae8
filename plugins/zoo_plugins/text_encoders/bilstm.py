"""Recurrent text encoder: AttnGAN (arXiv:1711.10485), section 3.2, "the text encoder".

Letters as in zoo_registry.contracts; also E word embedding width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from zoo_registry.contracts import Text, TextEncoder, TextSource, TextSpec, Tokens
from zoo_registry.errors import ZooError

from .vocabulary import Vocabulary


class BiLSTM(nn.Module, TextEncoder):
    """Words to a sentence [B,D], the last states of both directions, and vectors [B,L,D], 0 where padded.

    width: D, even. word_width: E.
    cell, layers: of the recurrent network. dropout: of the embedded words, and between layers.
    max_words: of a longer caption, the first `max_words` known words are read. The authors' code draws a
        random subset each time, when sampling too, so that one caption gives many images.

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
    ) -> None:
        super().__init__()
        self.spec = TextSpec(width, words=True)
        self.max_words = max_words
        self.vocabulary = _vocabulary(source)
        self.embedding = nn.Embedding(len(self.vocabulary), word_width)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
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
        self.register_load_state_dict_pre_hook(_same_vocabulary)  # type: ignore[no-untyped-call]

    def tokenize(self, captions: Sequence[str]) -> Tokens:
        """Captions as ids [B,L], L the longest of them. A caption without a known word is one padding id."""
        rows = [[self.vocabulary.index[word] for word in self.split(caption)] or [0] for caption in captions]
        length = max(map(len, rows))
        ids = torch.tensor([row + [0] * (length - len(row)) for row in rows])
        mask = torch.arange(length) < torch.tensor([[len(row)] for row in rows])  # [L] < [B,1]
        return Tokens(ids, mask)

    def split(self, caption: str) -> tuple[str, ...]:
        """The known words that are read, in order."""
        known = [word for word in self.vocabulary.split(caption) if word in self.vocabulary.index]
        return tuple(known[: self.max_words])

    def unknown(self, caption: str) -> tuple[str, ...]:
        """The words that the vocabulary does not have, in order, each once."""
        words = dict.fromkeys(self.vocabulary.split(caption))
        return tuple(word for word in words if word not in self.vocabulary.index)

    def save_tokenizer(self, folder: Path) -> None:
        """Write `vocabulary.json`."""
        self.vocabulary.save(folder)

    def forward(self, tokens: Tokens) -> Text:
        """Read a batch; lengths may come in any order, and no caption depends on its neighbours."""
        ids, mask = tokens
        embedded = self.dropout(self.embedding(ids))  # [B,L,E]
        packed = pack_padded_sequence(embedded, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        outputs, state = self.rnn(packed)
        hidden = (
            state[0] if isinstance(state, tuple) else state
        )  # [2*layers,B,H]; LSTM also returns its cells
        words, _ = pad_packed_sequence(outputs, batch_first=True, total_length=ids.shape[1])  # [B,L,D]
        return Text(torch.cat([hidden[-2], hidden[-1]], dim=1), words, mask)


def _vocabulary(source: TextSource) -> Vocabulary:
    if source.folder is not None:
        return Vocabulary.load(source.folder)
    if source.entries is not None:
        return Vocabulary.unnamed(source.entries)
    return Vocabulary.build(source.captions)


def _same_vocabulary(module: BiLSTM, state: Mapping[str, Tensor], prefix: str, *_: Any) -> None:
    """Refuse weights of another vocabulary before torch would list shapes. A load_state_dict pre-hook."""
    weight = state.get(f"{prefix}embedding.weight")
    if weight is not None and len(weight) != len(module.vocabulary):
        raise ZooError(
            f"text_encoder: the weights know {len(weight)} words, the vocabulary has "
            f"{len(module.vocabulary)}; the two must come from one model"
        )
