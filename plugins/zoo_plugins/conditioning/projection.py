"""The sentence compressed: GAN-INT-CLS (arXiv:1605.05396), section 4.1.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_plugins.equalised import EqualisedLinear
from zoo_registry.contracts import Condition, Conditioning, TextSpec


class SentenceProjection(nn.Module, Conditioning):
    """The sentence through one linear layer and a LeakyReLU of slope 0.2: the code [B,C]. Nothing is sampled.

    width: C, of the code. batch_norm: normalise between the two, as ports of the system have it; the paper
        does not.
    equalised: the layer's weights are scaled by 1 / sqrt(D) as they are used (ProGAN, arXiv:1710.10196), as
        the rates of growing networks want it.
    """

    def __init__(
        self,
        text: TextSpec,
        /,
        *,
        width: PositiveInt = 128,
        batch_norm: bool = False,
        equalised: bool = False,
    ) -> None:
        super().__init__()
        self.width = width
        self.fc = (EqualisedLinear if equalised else nn.Linear)(text.width, width)
        self.norm = nn.BatchNorm1d(width) if batch_norm else nn.Identity()

    def forward(self, sentence: Tensor, *, noise: Tensor | None = None) -> Condition:
        """`sentence` is [B,D]; `noise` is ignored."""
        return Condition(F.leaky_relu(self.norm(self.fc(sentence)), 0.2))
