"""Conditioning augmentation: StackGAN (arXiv:1612.03242), section 3.2, with the GLU of AttnGAN's code.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_plugins.blocks import initialise
from zoo_registry.contracts import Condition, Conditioning, TextSpec


class ConditioningAugmentation(nn.Module, Conditioning):
    """The sentence as a Gaussian N(mean, exp(logvar)) from which the code [B,C] is drawn.

    width: C. activation: what follows the one linear layer.
    """

    def __init__(
        self, text: TextSpec, /, *, width: PositiveInt = 100, activation: Literal["glu"] = "glu"
    ) -> None:
        super().__init__()
        self.width = width
        self.fc = nn.Linear(text.width, 4 * width)
        self.activation = {"glu": nn.GLU(dim=1)}[activation]
        self.apply(initialise)

    def forward(self, sentence: Tensor, *, noise: Tensor | None = None) -> Condition:
        """`sentence` is [B,D]; `noise` is [B,C], standard normal; None takes the mean."""
        mean, logvar = self.activation(self.fc(sentence)).chunk(2, dim=1)  # [B,4C] -> [B,2C] -> [B,C] twice
        code = mean if noise is None else mean + noise * (logvar / 2).exp()
        return Condition(code, mean, logvar)
