"""Predicts the words of a caption from its image: MirrorGAN (arXiv:1903.05854), section 3.3.

MirrorGAN predicts the caption from left to right. Here each word is predicted from all others, so that "red"
before "beak" and "red" before "wings" attend to different regions.

Letters as in zoo_registry.contracts; also E the width of images' vectors and regions, V words.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo_registry.contracts import ImageFeatures, Redescription, Text, TextSpec
from zoo_registry.errors import ZooError

from .text_encoders.words import read_to_the_end

HEADS, HIDDEN = 4, 128  # of the attention; features of the recurrent network and the attention


def redescribing(part: object) -> Redescription | None:
    """A part that predicts words, with its settings; else None."""
    return part if isinstance(part, Redescription) and part.redescribes else None


class Redescriber(nn.Module):
    """Each word of a caption from its left and right context, which attends to the image's regions.

    text: whose captions. width: E. place: of a recipe, which the message names.
    Raises `ZooError` where the text encoder gives no ids.
    """

    def __init__(self, text: TextSpec, width: int, place: str) -> None:
        super().__init__()
        if not text.entries:
            raise ZooError(
                f"{place}.redescribes: expected a text encoder with a vocabulary of words, as 'bilstm' or "
                "'lstm', got one whose captions have no ids"
            )
        self.embedding = nn.Embedding(text.entries, HIDDEN)
        self.rnn = nn.GRU(HIDDEN, HIDDEN, batch_first=True, bidirectional=True)
        self.query = nn.Linear(2 * HIDDEN, HIDDEN)
        self.key, self.value = nn.Linear(width, HIDDEN), nn.Linear(width, HIDDEN)
        self.image = nn.Linear(width, HIDDEN)
        self.words = nn.Sequential(
            nn.Linear(3 * HIDDEN, 2 * HIDDEN), nn.LeakyReLU(0.2), nn.Linear(2 * HIDDEN, text.entries)
        )

    def forward(self, image: ImageFeatures, text: Text) -> Tensor:
        """Logits [B,L,V]."""
        assert text.ids is not None
        assert text.mask is not None
        assert image.regions is not None
        states, _ = read_to_the_end(self.rnn, self.embedding(text.ids), text.mask)  # [B,L,2H]
        before, after = states.chunk(2, dim=2)
        # A word's own state would tell it: those of its neighbours, up to it from either side
        others = torch.cat([F.pad(before[:, :-1], (0, 0, 1, 0)), F.pad(after[:, 1:], (0, 0, 0, 1))], 2)
        query = self.query(others)  # [B,L,H]
        key, value = self.key(image.regions), self.value(image.regions)
        seen = F.scaled_dot_product_attention(_by_head(query), _by_head(key), _by_head(value))
        whole = self.image(image.vector)[:, None].expand_as(query)
        logits: Tensor = self.words(torch.cat([query, seen.transpose(1, 2).flatten(2), whole], 2))
        return logits


def _by_head(vectors: Tensor) -> Tensor:
    """[B,N,H] to [B,HEADS,N,H/HEADS]."""
    return vectors.unflatten(2, (HEADS, -1)).transpose(1, 2)
