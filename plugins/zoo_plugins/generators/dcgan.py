"""Text-conditional DCGAN: GAN-CLS (arXiv:1605.05396), section 4.1; DCGAN (arXiv:1511.06434).

Letters as in zoo_registry.contracts; also F base channels, h = w a block's side.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import AfterValidator, BaseModel, PositiveInt
from torch import Tensor, nn

from zoo_plugins.blocks import initialise_normal
from zoo_registry.contracts import (
    Condition,
    ConditionSpec,
    Drawing,
    Generator,
    GeneratorSpec,
    Phase,
    Text,
)
from zoo_registry.errors import ZooError


def power_of_two(side: int) -> int:
    """The side of an image that doublings of 4x4 reach; ValueError for another."""
    if side < 8 or side & (side - 1):
        raise ValueError("the side would be a power of two, 8 or larger")
    return side


class DCGAN(nn.Module, Generator):
    """Code and noise to 4x4, doubled up to one image by transposed convolutions that halve the channels.

    The paper's projection of the sentence is the conditioning "projection".

    side: R, a power of two from 8. base_channels: F, at half of that side. noise_width: Z.
    """

    def __init__(
        self,
        condition: ConditionSpec,
        /,
        *,
        side: Annotated[PositiveInt, AfterValidator(power_of_two)] = 64,
        base_channels: PositiveInt = 64,
        noise_width: PositiveInt = 100,
    ) -> None:
        super().__init__()
        try:
            power_of_two(side)
        except ValueError as fault:
            raise ZooError(f"generator.side: {fault}, found {side}") from None
        self.spec = GeneratorSpec((side,), noise_width)
        doublings = (side // 8).bit_length() - 1
        widest = base_channels << doublings
        first = nn.ConvTranspose2d(condition.width + noise_width, widest, 4, bias=False)
        self.blocks = nn.Sequential(
            _block(first), *(_block(_doubling(widest >> i, widest >> (i + 1))) for i in range(doublings))
        )
        self.to_image = nn.Sequential(_doubling(base_channels, 3), nn.Tanh())
        self.apply(initialise_normal)

    @staticmethod
    def largest_side(settings: BaseModel, /) -> int:
        """R."""
        side: int = settings.side  # type: ignore[attr-defined]
        return side

    def forward(self, noise: Tensor, condition: Condition, text: Text, phase: Phase) -> Drawing:
        """`noise` is [B,Z]. Does not read words and does not grow: `text` and `phase` are ignored."""
        code = torch.cat([condition.code, noise], dim=1)[:, :, None, None]  # [B,C+Z,1,1]
        return Drawing((self.to_image(self.blocks(code)),))  # [B,F,R/2,R/2] -> [B,3,R,R]


def _doubling(wide: int, narrow: int) -> nn.ConvTranspose2d:
    """[B,wide,h,w] to [B,narrow,2h,2w]."""
    return nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False)


def _block(layer: nn.ConvTranspose2d) -> nn.Sequential:
    return nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels), nn.ReLU())
