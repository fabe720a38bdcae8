"""What generators of stages share: AttnGAN (arXiv:1711.10485), section 3.1; StackGAN++ (arXiv:1710.10916).

Letters as in zoo_registry.contracts; also K base channels, h = w a stage's resolution.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from zoo_plugins.blocks import DoublingConv, Gate, conv3x3, in_memory_format

MaskLayout = Literal["right", "attngan"]


def doubling(resolutions: tuple[int, ...]) -> tuple[int, ...]:
    """The resolutions of stages; ValueError where stages cannot have them."""
    if not resolutions or resolutions[0] < 8 or resolutions[0] & (resolutions[0] - 1):
        raise ValueError("the first must be a power of two, 8 or larger")
    for small, large in pairwise(resolutions):
        if large != 2 * small:
            raise ValueError(f"each must be twice the one before: expected {2 * small} after {small}")
    return resolutions


class FirstStage(nn.Module):
    """Code and noise [B,C+Z] to 4x4, doubled to the first resolution; each doubling halves the channels."""

    def __init__(self, width: int, resolution: int, channels: int) -> None:
        super().__init__()
        doublings = (resolution // 4).bit_length() - 1
        self.channels = channels << doublings
        self.fc = nn.Sequential(
            nn.Linear(width, 2 * 16 * self.channels, bias=False),
            nn.BatchNorm1d(2 * 16 * self.channels),
            nn.GLU(dim=1),
        )
        self.up = nn.Sequential(
            *(Doubled(self.channels >> i, self.channels >> (i + 1)) for i in range(doublings))
        )

    def forward(self, code: Tensor) -> Tensor:
        """Of the code and the noise, concatenated."""
        hidden = self.fc(code).view(-1, self.channels, 4, 4)  # [B,16*channels] -> [B,channels,4,4]
        result: Tensor = self.up(hidden)  # [B,K,h,w]
        return result


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity; the first is gated."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            conv3x3(channels, 2 * channels),
            nn.BatchNorm2d(2 * channels),
            Gate(),
            conv3x3(channels, channels),
            nn.BatchNorm2d(channels),
        )

    def forward(self, hidden: Tensor) -> Tensor:
        """[B,2K,h,w] to the same."""
        result: Tensor = hidden + self.block(hidden)
        return result


class Doubled(nn.Sequential):
    """Twice the resolution, gated: [B,in_channels,h,w] to [B,out_channels,2h,2w] in channels-last.

    On a CPU its layers compute in planes (NCHW): a transposed convolution in bfloat16 is up to 1.3 x as fast.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            DoublingConv(in_channels, 2 * out_channels), nn.BatchNorm2d(2 * out_channels), Gate()
        )

    def forward(self, input: Tensor) -> Tensor:
        """In either format."""
        hidden = in_memory_format(input, torch.contiguous_format) if input.is_cpu else input
        for layer in self:
            hidden = layer(hidden)
        return in_memory_format(hidden, torch.channels_last)
