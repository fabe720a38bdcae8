"""A generator of one stage: 4x4 cells, doubled until they are pixels.

B images, C condition width, Z noise width, K channels, h = w a block's resolution, R the image's.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_registry.contracts import Condition, ConditionSpec, Generated, Generator, GeneratorSpec, Growth, Text


class Upsampler(nn.Module, Generator):
    """Code and noise to one image, by nearest-neighbour doublings and 3x3 convolutions.

    resolution: R of the image. channels: K, of every block. noise_width: Z, of the noise.
    """

    def __init__(
        self,
        condition: ConditionSpec,
        /,
        *,
        resolution: Literal[16, 32, 64, 128, 256] = 32,
        channels: PositiveInt = 64,
        noise_width: PositiveInt = 32,
    ) -> None:
        super().__init__()
        self.spec = GeneratorSpec((resolution,), noise_width)
        doublings = (resolution // 4).bit_length() - 1
        self.first = nn.Sequential(
            nn.Linear(condition.width + noise_width, channels * 4 * 4), nn.Unflatten(1, (channels, 4, 4))
        )
        self.blocks = nn.Sequential(*(_doubling(channels) for _ in range(doublings)))
        self.to_image = nn.Sequential(nn.Conv2d(channels, 3, 3, padding=1), nn.Tanh())

    @staticmethod
    def largest_resolution(settings: Any, /) -> int:
        """R."""
        resolution: int = settings.resolution
        return resolution

    def forward(self, noise: Tensor, condition: Condition, text: Text, growth: Growth) -> Generated:
        """`noise` is [B,Z]. Reads no words and does not grow: `text` and `growth` are ignored."""
        cells = self.first(torch.cat([condition.code, noise], dim=1))  # [B,C+Z] -> [B,K,4,4]
        return Generated((self.to_image(self.blocks(cells)),))  # [B,K,R,R] -> [B,3,R,R]


def _doubling(channels: int) -> nn.Sequential:
    """[B,K,h,w] to [B,K,2h,2w]."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )
