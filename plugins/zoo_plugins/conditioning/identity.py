"""The sentence as it is: DF-GAN (arXiv:2008.05865), section 3.1, whose generator receives it so.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from torch import Tensor, nn

from zoo_registry.contracts import Condition, Conditioning, TextSpec


class Identity(nn.Module, Conditioning):
    """The sentence itself as the code: C = D. Nothing is sampled and nothing learned."""

    def __init__(self, text: TextSpec, /) -> None:
        super().__init__()
        self.width = text.width

    def forward(self, sentence: Tensor, *, noise: Tensor | None = None) -> Condition:
        """`sentence` is [B,D]; `noise` is ignored."""
        return Condition(sentence)
