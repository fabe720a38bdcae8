"""Layers of growing networks: ProGAN (arXiv:1710.10196), sections 3 and 4, appendix A.

B batch, C channels, h = w a resolution, Z a vector's width, G the images that share one deviation.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo_plugins.blocks import DoublingConv

HE = math.sqrt(2)
"""He's gain, as in the paper: rectifiers keep the spread of what they are given. T2F's layers have 1."""


def channels(resolution: int, width: int, wide_until: int) -> int:
    """Channels at a resolution: `width` up to `wide_until` pixels; each doubling after that halves them."""
    return max(1, width * wide_until // max(resolution, wide_until))


# Section 4.1: w' = w / c with w ~ N(0, 1) and 1 / c = gain / sqrt(inputs of one output)
class EqualisedLinear(nn.Linear):
    """A linear layer with bias; its weights start as N(0, 1) and are scaled whenever they are used.

    So all have the same spread, and Adam moves all of them at one speed.
    """

    def __init__(self, in_channels: int, out_channels: int, *, gain: float = 1.0) -> None:
        super().__init__(in_channels, out_channels)
        self.scale = gain / math.sqrt(in_channels)
        _initialise(self)

    def forward(self, input: Tensor) -> Tensor:
        """[B,in_channels] to [B,out_channels]."""
        return F.linear(input, self.weight * self.scale, self.bias)


class EqualisedConv2d(nn.Conv2d):
    """A convolution with bias, equalised."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, padding: int = 0, gain: float = 1.0
    ) -> None:
        super().__init__(in_channels, out_channels, kernel, padding=padding)
        self.scale = gain / math.sqrt(in_channels * kernel**2)
        _initialise(self)

    def forward(self, input: Tensor) -> Tensor:
        """[B,in_channels,h,w] to [B,out_channels,h,w], smaller by the kernel where there is no padding."""
        return F.conv2d(input, self.weight * self.scale, self.bias, padding=self.padding)


class EqualisedSpread(nn.ConvTranspose2d):
    """A vector to a map of 4x4 with bias, equalised."""

    def __init__(self, in_channels: int, out_channels: int, *, gain: float = 1.0) -> None:
        super().__init__(in_channels, out_channels, 4)
        self.scale = gain / math.sqrt(in_channels)  # one tap an output: the kernel's size does not count
        _initialise(self)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """[B,in_channels] to [B,out_channels,4,4]."""
        return F.conv_transpose2d(input[:, :, None, None], self.weight * self.scale, self.bias)


class EqualisedDoublingConv(DoublingConv):
    """Twice the resolution by nearest neighbour, then a 3x3 convolution with bias, in one step; equalised."""

    def __init__(self, in_channels: int, out_channels: int, *, gain: float = 1.0) -> None:
        super().__init__(in_channels, out_channels)
        self.scale = gain / math.sqrt(in_channels * 9)
        self.bias = nn.Parameter(torch.empty(out_channels))
        _initialise(self)

    def forward(self, input: Tensor) -> Tensor:
        """[B,in_channels,h,w] to [B,out_channels,2h,2w]."""
        assert self.bias is not None
        output = super().forward(input * self.scale)
        return output + self.bias[:, None, None].to(output.dtype)


def _initialise(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> None:
    nn.init.normal_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)


class PixelNorm(nn.Module):
    """Section 4.2: each pixel's channels, or a vector, to a mean square of 1."""

    # b_xy = a_xy / sqrt(1/N sum_j (a_xy^j)^2 + 1e-8)
    def forward(self, input: Tensor) -> Tensor:
        """[B,C] or [B,C,h,w] to the same."""
        return input * (input.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt().to(input.dtype)


class MinibatchDeviation(nn.Module):
    """Section 3: how much the images of a batch differ, as one more channel.

    The deviation over G images, averaged over channels and places. group: G, or "batch" for all of them; a
    batch that does not divide into such groups is one.
    """

    def __init__(self, group: int | Literal["batch"] = 4) -> None:
        super().__init__()
        self.group: int | Literal["batch"] = group

    def forward(self, input: Tensor) -> Tensor:
        """[B,C,h,w] to [B,C+1,h,w]."""
        batch, _, height, width = input.shape
        group = self.group
        if group == "batch" or batch % group:
            group = batch
        groups = input.unflatten(0, (group, -1))  # [B,C,h,w] -> [G,B/G,C,h,w]
        deviation = (groups.var(dim=0, correction=0) + 1e-8).sqrt().mean(dim=(1, 2, 3))  # [B/G]
        channel = deviation.repeat(group)[:, None, None, None].expand(-1, 1, height, width)
        return torch.cat([input, channel], dim=1)
