"""A text encoder without a vocabulary: every word has a place in the table by its hash.

The hashing trick: arXiv:0902.2206. B captions, L words, D width.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import torch
from pydantic import PositiveInt
from torch import nn

from zoo_registry.contracts import Text, TextEncoder, TextSource, TextSpec, Tokens


class HashedWords(nn.Module, TextEncoder):
    """Each word with its neighbours to a vector, 0 where padded; the sentence is their mean.

    width: D, of words and sentence. buckets: rows of the table; words that share one are the same to the
        encoder.
    max_words: L at most; what a longer caption says after them is not read.
    """

    def __init__(
        self,
        source: TextSource,
        /,
        *,
        width: PositiveInt = 64,
        buckets: PositiveInt = 4096,
        max_words: PositiveInt = 18,
    ) -> None:
        super().__init__()
        self.spec = TextSpec(width, words=True)
        self.buckets, self.max_words = buckets, max_words
        self.table = nn.Embedding(buckets + 1, width, padding_idx=0)
        self.neighbours = nn.Conv1d(width, width, 3, padding=1)

    def split(self, caption: str) -> tuple[str, ...]:
        """The words that are read, in order."""
        return tuple(re.findall(r"\w+", caption.lower())[: self.max_words])

    def unknown(self, caption: str) -> tuple[str, ...]:
        """None: every word has a bucket."""
        return ()

    def tokenize(self, captions: Sequence[str]) -> Tokens:
        """Captions as ids [B,L]; 0 is padding. One without a word is a single padding id, masked True."""
        rows = [
            [1 + crc32(word.encode()) % self.buckets for word in self.split(caption)] or [0]
            for caption in captions
        ]
        length = max(map(len, rows))
        ids = torch.tensor([row + [0] * (length - len(row)) for row in rows])
        return Tokens(ids, torch.arange(length) < torch.tensor([[len(row)] for row in rows]))

    def save_tokenizer(self, folder: Path) -> None:
        """Nothing to write: `buckets` is a setting, which the model's config.json holds."""

    def forward(self, tokens: Tokens) -> Text:
        """Read a batch of captions."""
        real = tokens.mask[:, :, None]  # [B,L,1]
        rows = self.table(tokens.ids) * real  # [B,L,D]; padding is what the convolution sees past an end, too
        words = torch.tanh(self.neighbours(rows.transpose(1, 2)).transpose(1, 2)) * real
        return Text(words.sum(1) / real.sum(1), words, tokens.mask)
