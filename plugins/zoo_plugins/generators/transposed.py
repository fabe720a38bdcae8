"""What the generators of a DCGAN share: GAN-CLS (arXiv:1605.05396), section 4.1; DCGAN (arXiv:1511.06434).

Letters as in zoo_registry.contracts; also F base channels, h = w a block's resolution.
"""

from __future__ import annotations

from typing import Annotated, Any

import torch
from pydantic import AfterValidator, PositiveInt
from torch import Tensor, nn

from zoo_plugins.blocks import initialise_normal, power_of_two
from zoo_registry.contracts import (
    Condition,
    ConditionSpec,
    Generated,
    Generator,
    GeneratorSpec,
    Growth,
    Text,
)
from zoo_registry.errors import ZooError


class TransposedConvolutions(nn.Module, Generator):
    """Code and noise to 4x4, doubled up to one image by transposed convolutions that halve the channels.

    resolution: R of the image, a power of two from 8. base_channels: F, channels at half of that resolution.
    noise_width: Z, of the noise.
    """

    def __init__(
        self,
        condition: ConditionSpec,
        /,
        *,
        resolution: Annotated[PositiveInt, AfterValidator(power_of_two)] = 64,
        base_channels: PositiveInt = 64,
        noise_width: PositiveInt = 100,
    ) -> None:
        super().__init__()
        try:
            power_of_two(resolution)
        except ValueError as error:
            raise ZooError(f"generator.resolution: {error}, got {resolution}") from None
        self.spec = GeneratorSpec((resolution,), noise_width)
        doublings = (resolution // 8).bit_length() - 1
        widest = base_channels << doublings
        first = nn.ConvTranspose2d(condition.width + noise_width, widest, 4, bias=False)
        self.blocks = nn.Sequential(
            _block(first), *(_block(_doubling(widest >> i, widest >> (i + 1))) for i in range(doublings))
        )
        self.to_image = nn.Sequential(_doubling(base_channels, 3), nn.Tanh())
        self.apply(initialise_normal)

    @staticmethod
    def largest_resolution(settings: Any, /) -> int:
        """R."""
        resolution: int = settings.resolution
        return resolution

    def forward(self, noise: Tensor, condition: Condition, text: Text, growth: Growth) -> Generated:
        """`noise` is [B,Z]. Does not read words and does not grow: `text` and `growth` are ignored."""
        code = torch.cat([condition.code, noise], dim=1)[:, :, None, None]  # [B,C+Z,1,1]
        return Generated((self.to_image(self.blocks(code)),))  # [B,F,R/2,R/2] -> [B,3,R,R]


def _doubling(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    """[B,in_channels,h,w] to [B,out_channels,2h,2w]."""
    return nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1, bias=False)


def _block(layer: nn.ConvTranspose2d) -> nn.Sequential:
    return nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels), nn.ReLU())
