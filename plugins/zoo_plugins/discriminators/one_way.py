"""Discriminator with one-way output: DF-GAN (arXiv:2008.05865), section 3.3.

Letters as in zoo_registry.contracts; also F base channels, K channels of a block, h = w its resolution.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_plugins.blocks import judged_resolutions, widths
from zoo_registry.contracts import Discriminator, GeneratorSpec, Growth, TextSpec


class OneWay(nn.Module, Discriminator):
    """One logit for an image together with its sentence, and none for the image alone: one way to learn.

    It judges the generator's largest image, a power of two from 8, brought to [B,8F,4,4].

    base_channels: F, channels after the first convolution.

    In a recipe without text its one logit is of the image alone.
    """

    def __init__(
        self, text: TextSpec, generator: GeneratorSpec, /, *, base_channels: PositiveInt = 32
    ) -> None:
        super().__init__()
        resolution = judged_resolutions(generator, "one-way")[-1]
        self.unconditional = text.width == 0
        channels = widths(resolution, base_channels)
        self.first = nn.Conv2d(3, base_channels, 3, padding=1)
        self.blocks = nn.Sequential(
            *(Block(in_channels, out_channels) for in_channels, out_channels in pairwise(channels))
        )
        self.joint = nn.Sequential(
            nn.Conv2d(channels[-1] + text.width, 2 * base_channels, 3, padding=1, bias=False),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * base_channels, 1, 4, bias=False),
        )

    def features(self, images: tuple[Tensor, ...], growth: Growth) -> tuple[Tensor, ...]:
        """[B,8F,4,4] of the largest image. Does not grow: `growth` is ignored."""
        return (self.blocks(self.first(images[-1])),)

    def score(self, features: tuple[Tensor, ...], sentence: Tensor | None) -> tuple[Tensor, ...]:
        """Logits [B]; `sentence` is [B,D], None in a recipe without text."""
        (feature,) = features
        if sentence is not None:
            everywhere = sentence[:, :, None, None].expand(-1, -1, 4, 4)  # [B,D] -> [B,D,4,4]
            feature = torch.cat([feature, everywhere], dim=1)
        return (self.joint(feature).flatten(),)  # [B,1,1,1] -> [B]


class Block(nn.Module):
    """Halve the resolution: the average of 2x2 pixels plus two convolutions of a learned share."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.LeakyReLU(0.2),
        )
        self.shortcut = (
            nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()
        )
        self.share = nn.Parameter(torch.zeros(1))

    def forward(self, hidden: Tensor) -> Tensor:
        """[B,narrow,2h,2w] to [B,wide,h,w]."""
        shortcut = self.shortcut(F.avg_pool2d(hidden, 2))
        return torch.addcmul(shortcut, self.share, self.residual(hidden))
