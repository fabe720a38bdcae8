"""A conditioning: what the generator receives of the sentence.

B captions, D text width, C condition width.
"""

from __future__ import annotations

from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_registry.contracts import Condition, Conditioning, TextSpec


class Standardised(nn.Module, Conditioning):
    """The sentence brought to mean 0 and variance 1, then through one linear layer. Nothing is sampled.

    width: C, of the code.
    """

    def __init__(self, text: TextSpec, /, *, width: PositiveInt = 64) -> None:
        super().__init__()
        self.width = width
        self.layers = nn.Sequential(nn.LayerNorm(text.width), nn.Linear(text.width, width))

    def forward(self, sentence: Tensor, *, noise: Tensor | None = None) -> Condition:
        """`sentence` is [B,D]. One that samples from a Gaussian gives its mean and logvar, too."""
        return Condition(self.layers(sentence))
