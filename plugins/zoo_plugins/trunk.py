"""Residual trunk that a discriminator and its matching image encoder share.

StyleGAN2 (arXiv:1912.04958), section 4. Its layers are equalised (ProGAN, arXiv:1710.10196, section 4.1).
Letters as in zoo_registry.contracts; also C channels at a resolution, h = w a resolution.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo_plugins.equalised import HE, EqualisedConv2d, channels


class ResidualTrunk(nn.Module):
    """Images to a map of 8x8 and one of 4x4.

    A stem takes an image to maps of half its resolution, one residual block halves each of those.

    resolution: of the largest image, a power of two from 16. growing: it reads every smaller power of two
    from 4 as well, each by a stem of its own (8 px and below share one). width: channels of maps up to the
    resolution `wide_until`; each doubling after that halves them.
    """

    def __init__(self, resolution: int, width: int, wide_until: int, *, growing: bool) -> None:
        super().__init__()
        maps = [2 << level for level in range(1, (resolution // 2).bit_length() - 1)]  # resolutions from 4
        stems = maps if growing else maps[-1:]
        self.from_image = nn.ModuleDict({str(2 * at): Stem(channels(at, width, wide_until)) for at in stems})
        self.blocks = nn.ModuleDict(  # by the resolution of their input
            {
                str(at): HalvingBlock(channels(at, width, wide_until), channels(at // 2, width, wide_until))
                for at in maps[1:]
            }
        )

    def forward(self, image: Tensor, alpha: float = 1.0) -> tuple[Tensor, Tensor]:
        """The map [B,C,8,8] and the last one [B,C,4,4] of an image [B,3,h,w]; up to 8 px the last one twice.

        alpha: the share of the newest block, as in ProGAN's fade.
        """
        if image.shape[-1] < 8:
            image = F.interpolate(image, 8)
        newest = at = image.shape[-1] // 2
        regions = hidden = self.from_image[str(2 * at)](image)
        while at > 4:
            if at == 8:
                regions = hidden
            hidden = self.blocks[str(at)](hidden)
            if at == newest and alpha < 1:
                hidden = torch.lerp(self.from_image[str(at)](F.avg_pool2d(image, 2)), hidden, alpha)
            at //= 2
        return regions, hidden


class Stem(nn.Sequential):
    """Images [B,3,2h,2w] to maps [B,C,h,w].

    A strided convolution would be cheaper, but its gradient by the image has a raster of two pixels, which
    the generator learns.
    """

    def __init__(self, out_channels: int) -> None:
        half = max(1, out_channels // 2)
        super().__init__(
            EqualisedConv2d(3, half, 3, padding=1, gain=HE),
            nn.LeakyReLU(0.2),
            nn.AvgPool2d(2),
            EqualisedConv2d(half, out_channels, 3, padding=1, gain=HE),
            nn.LeakyReLU(0.2),
        )


class HalvingBlock(nn.Module):
    """Two 3x3 convolutions beside a 1x1 one: [B,C,h,w] to [B,C',h/2,w/2]."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = EqualisedConv2d(in_channels, in_channels, 3, padding=1, gain=HE)
        self.second = EqualisedConv2d(in_channels, out_channels, 3, padding=1, gain=HE)
        self.skip = EqualisedConv2d(in_channels, out_channels, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        """The sum of both paths, divided by sqrt(2) so that its spread stays."""
        inner = F.avg_pool2d(F.leaky_relu(self.first(hidden), 0.2), 2)
        inner = F.leaky_relu(self.second(inner), 0.2)
        return (inner + self.skip(F.avg_pool2d(hidden, 2))) * math.sqrt(0.5)
