"""Small image encoder of strided convolutions: DCGAN's discriminator (arXiv:1511.06434) without its head.

As the style encoder S of GAN-CLS (arXiv:1605.05396), section 4.5, it reads noise. Letters as in
zoo_registry.contracts; also F base channels, K channels of the last map, (h, w) its grid, N = h * w.
"""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_plugins.blocks import initialise_normal
from zoo_registry.contracts import ImageEncoder, ImageFeatures, TextSpec

_POOLED = 4  # the resolution that the last map is pooled to


class ConvEncoder(nn.Module, ImageEncoder):
    """Images [B,3,R,R] of any resolution to a vector [B,D] and a map of regions [B,N,D], learnt from nothing.

    base_channels: F, channels after the first convolution; each halving of the resolution doubles them.
    downsamplings: how often the resolution is halved, images have 2 ** downsamplings at least: with 4, images
    of 64 px have 4x4 regions.
    """

    def __init__(
        self, text: TextSpec, /, *, base_channels: PositiveInt = 64, downsamplings: PositiveInt = 4
    ) -> None:
        super().__init__()
        widths = [3, *(base_channels << i for i in range(downsamplings))]
        self.trunk = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(in_channels, out_channels, 4, 2, 1, bias=False),
                    nn.BatchNorm2d(out_channels),
                    nn.LeakyReLU(0.2),
                )
                for in_channels, out_channels in pairwise(widths)
            )
        )
        self.region_projection = nn.Linear(widths[-1], text.width)
        self.vector_projection = nn.Linear(widths[-1] * _POOLED**2, text.width)
        self.apply(initialise_normal)

    def forward(self, images: Tensor) -> ImageFeatures:
        """`images` is [B,3,R,R] in [-1, 1]."""
        last = self.trunk(images)  # [B,K,h,w]
        height, width = last.shape[2:]
        pooled = F.adaptive_avg_pool2d(last, _POOLED).flatten(1)  # [B,K,4,4] -> [B,K*16]
        regions = last.flatten(2).transpose(1, 2)  # [B,K,h,w] -> [B,K,N] -> [B,N,K]
        return ImageFeatures(
            self.vector_projection(pooled), self.region_projection(regions), grid=(height, width)
        )
