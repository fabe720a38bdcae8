"""Conditioning augmentation: StackGAN (arXiv:1612.03242), section 3.2, with the GLU of AttnGAN's code.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn

from zoo_plugins.blocks import initialise
from zoo_plugins.equalised import EqualisedLinear
from zoo_registry.contracts import Condition, Conditioning, TextSpec


class ConditioningAugmentation(nn.Module, Conditioning):
    """The sentence as a Gaussian N(mean, exp(logvar)) from which the code [B,C] is sampled.

    width: C, of the code.
    activation: what follows the one linear layer, for mean and spread alike: "glu" (AttnGAN), "relu"
        (StackGAN's code) or "none" (T2F).
    spread: how the layer tells it. "logvar": as log sigma^2. "relu": as sigma = ReLU(.) + spread_floor (T2F).
    spread_floor: the least sigma where spread = "relu". The original has 1e-12: each unit that its ReLU cuts
        off adds 27 to the KL term, and one just above 0 has a gradient of up to 1e12.
    equalised: the layer's weights are scaled by 1 / sqrt(D) as they are used (ProGAN, arXiv:1710.10196; T2F).
    """

    def __init__(
        self,
        text: TextSpec,
        /,
        *,
        width: PositiveInt = 100,
        activation: Literal["glu", "relu", "none"] = "glu",
        spread: Literal["logvar", "relu"] = "logvar",
        spread_floor: PositiveFloat = 0.01,
        equalised: bool = False,
    ) -> None:
        super().__init__()
        self.width = width
        self.spread, self.spread_floor = spread, spread_floor
        outputs = 4 * width if activation == "glu" else 2 * width
        self.fc = EqualisedLinear(text.width, outputs) if equalised else nn.Linear(text.width, outputs)
        self.activation = {"glu": nn.GLU(dim=1), "relu": nn.ReLU(), "none": nn.Identity()}[activation]
        if not equalised:
            self.apply(initialise)

    def forward(self, sentence: Tensor, *, noise: Tensor | None = None) -> Condition:
        """`sentence` is [B,D]; `noise` is [B,C], standard normal; None takes the mean."""
        mean, spread = self.activation(self.fc(sentence)).chunk(2, dim=1)  # [B,4C] -> [B,2C] -> [B,C] twice
        logvar = spread if self.spread == "logvar" else 2 * (F.relu(spread.float()) + self.spread_floor).log()
        code = mean if noise is None else mean + noise * (logvar / 2).exp()
        return Condition(code, mean, logvar)
