"""Layers of growing networks: ProGAN (arXiv:1710.10196), sections 3 and 4, appendix A.

B batch, C channels, h = w a side, Z a vector's width, G the pictures that share one deviation.
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


def channels(side: int, width: int, wide_until: int) -> int:
    """Of the layers at a side: `width` up to `wide_until` pixels; then twice the side has half of them."""
    return max(1, width * wide_until // max(side, wide_until))


# Section 4.1: w' = w / c with w ~ N(0, 1) and 1 / c = gain / sqrt(inputs of one output)
class EqualisedLinear(nn.Linear):
    """A linear layer with bias; its weights start as N(0, 1) and are scaled whenever they are used.

    So all have the same spread, and Adam moves all of them at one speed.
    """

    def __init__(self, narrow: int, wide: int, *, gain: float = 1.0) -> None:
        super().__init__(narrow, wide)
        self.scale = gain / math.sqrt(narrow)
        _initialise(self)

    def forward(self, input: Tensor) -> Tensor:
        """[B,narrow] to [B,wide]."""
        return F.linear(input, self.weight * self.scale, self.bias)


class EqualisedConv2d(nn.Conv2d):
    """A convolution with bias, equalised."""

    def __init__(self, narrow: int, wide: int, kernel: int, *, padding: int = 0, gain: float = 1.0) -> None:
        super().__init__(narrow, wide, kernel, padding=padding)
        self.scale = gain / math.sqrt(narrow * kernel**2)
        _initialise(self)

    def forward(self, input: Tensor) -> Tensor:
        """[B,narrow,h,w] to [B,wide,h,w], smaller by the kernel where there is no padding."""
        return F.conv2d(input, self.weight * self.scale, self.bias, padding=self.padding)


class EqualisedSpread(nn.ConvTranspose2d):
    """A vector to a map of 4x4 with bias, equalised."""

    def __init__(self, narrow: int, wide: int, *, gain: float = 1.0) -> None:
        super().__init__(narrow, wide, 4)
        self.scale = gain / math.sqrt(narrow)  # one tap an output: the kernel's size does not count
        _initialise(self)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """[B,narrow] to [B,wide,4,4]."""
        return F.conv_transpose2d(input[:, :, None, None], self.weight * self.scale, self.bias)


class EqualisedDoublingConv(DoublingConv):
    """Twice the side by nearest neighbour, then a 3x3 convolution with bias, in one step; equalised."""

    def __init__(self, narrow: int, wide: int, *, gain: float = 1.0) -> None:
        super().__init__(narrow, wide)
        self.scale = gain / math.sqrt(narrow * 9)
        self.bias = nn.Parameter(torch.empty(wide))
        _initialise(self)

    def forward(self, input: Tensor) -> Tensor:
        """[B,narrow,h,w] to [B,wide,2h,2w]."""
        assert self.bias is not None
        return super().forward(input * self.scale) + self.bias[:, None, None]


def _initialise(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> None:
    nn.init.normal_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)


class PixelNorm(nn.Module):
    """Section 4.2: each pixel's channels, or a vector, to a mean square of 1."""

    # b_xy = a_xy / sqrt(1/N sum_j (a_xy^j)^2 + 1e-8)
    def forward(self, input: Tensor) -> Tensor:
        """[B,C] or [B,C,h,w] to the same."""
        return input * (input.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class MinibatchDeviation(nn.Module):
    """Section 3: how much the pictures of a batch differ, as one more channel.

    The deviation over G pictures, averaged over channels and places. group: G, or "batch" for all of them; a
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
