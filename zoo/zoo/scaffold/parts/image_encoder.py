"""An image encoder that is learnt from nothing.

B images, R their resolution, D the text's width, (h, w) the grid of N = h * w regions.
"""

from __future__ import annotations

from itertools import pairwise

from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_registry.contracts import ImageEncoder, ImageFeatures, TextSpec


class StridedEncoder(nn.Module, ImageEncoder):
    """Three convolutions that halve the resolution; each cell of the last map is a region, their mean the
    image.

    channels: of the first convolution; the next ones have twice and four times as many.
    """

    def __init__(self, text: TextSpec, /, *, channels: PositiveInt = 32) -> None:
        super().__init__()
        widths = (3, channels, 2 * channels, 4 * channels)
        self.trunk = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(in_channels, out_channels, 4, 2, 1),
                    nn.BatchNorm2d(out_channels),
                    nn.LeakyReLU(0.2),
                )
                for in_channels, out_channels in pairwise(widths)
            )
        )
        self.to_text = nn.Linear(widths[-1], text.width)

    def forward(self, images: Tensor) -> ImageFeatures:
        """`images` is [B,3,R,R] in [-1, 1], R from 8."""
        last = self.trunk(images)  # [B,K,h,w]
        height, width = last.shape[2:]
        regions = self.to_text(last.flatten(2).transpose(1, 2))  # [B,K,h,w] -> [B,N,K] -> [B,N,D]
        return ImageFeatures(regions.mean(1), regions, (height, width))
