"""One-stage generator of deep text-image fusion: DF-GAN (arXiv:2008.05865), sections 3.1 and 3.4.

Letters as in zoo_registry.contracts; also F base channels, K channels of a block, h = w its resolution.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import AfterValidator, PositiveInt
from torch import Tensor, nn

from zoo_plugins.blocks import DoublingConv, power_of_two, widths
from zoo_registry.contracts import Condition, ConditionSpec, Generated, Generator, GeneratorSpec, Growth, Text
from zoo_registry.errors import ZooError

Activation = Literal["leaky", "relu"]


class DeepFusion(nn.Module, Generator):
    """Noise to an image of one resolution; noise and code scale and shift the channels four times a block.

    resolution: of the image, a power of two from 8. base_channels: F, channels at that resolution; 8F at the
        smallest.
    noise_width: Z, of the noise.
    activation: what follows each scaling. "leaky" (slope 0.2) is the authors' code, and the published weights
        were trained with it; "relu" is the paper.
    """

    def __init__(
        self,
        condition: ConditionSpec,
        /,
        *,
        resolution: Annotated[PositiveInt, AfterValidator(power_of_two)] = 256,
        base_channels: PositiveInt = 32,
        noise_width: PositiveInt = 100,
        activation: Activation = "leaky",
    ) -> None:
        super().__init__()
        try:
            power_of_two(resolution)
        except ValueError as error:
            raise ZooError(f"generator.resolution: {error}, got {resolution}") from None
        self.spec = GeneratorSpec((resolution,), noise_width)
        channels = widths(resolution, base_channels)[::-1]
        self.fc = nn.Linear(noise_width, 16 * channels[0])
        self.blocks = nn.ModuleList(
            Block(in_channels, out_channels, noise_width + condition.width, activation)
            for in_channels, out_channels in pairwise(channels)
        )
        self.to_image = nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(base_channels, 3, 3, padding=1), nn.Tanh())

    @staticmethod
    def largest_resolution(settings: Any, /) -> int:
        """The only one."""
        resolution: int = settings.resolution
        return resolution

    def forward(self, noise: Tensor, condition: Condition, text: Text, growth: Growth) -> Generated:
        """`noise` is [B,Z]. Reads no words, does not grow: `text` and `growth` are ignored."""
        code = torch.cat([noise, condition.code], dim=1)  # [B,Z+C]
        hidden = self.fc(noise).view(noise.shape[0], -1, 4, 4)  # [B,16*8F] -> [B,8F,4,4]
        for block in self.blocks:
            hidden = block(hidden, code)
        return Generated((self.to_image(hidden),))


class Block(nn.Module):
    """Twice the resolution: two convolutions after fusions, and a 1x1 shortcut where the widths differ."""

    def __init__(self, in_channels: int, out_channels: int, code_width: int, activation: Activation) -> None:
        super().__init__()
        self.fuse1 = Fusion(in_channels, code_width, activation)
        self.conv1 = DoublingConv(in_channels, out_channels)
        self.bias1 = nn.Parameter(torch.zeros(out_channels, 1, 1))
        self.fuse2 = Fusion(out_channels, code_width, activation)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = (
            nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()
        )

    # The paper doubles the resolution first. What acts on each pixel alone, the first fusion and the
    # shortcut, is the same before nearest neighbour as after it, for a quarter of the work.
    def forward(self, hidden: Tensor, code: Tensor) -> Tensor:
        """[B,in_channels,h,w] and the code [B,Z+C] to [B,out_channels,2h,2w]."""
        residual = self.conv1(self.fuse1(hidden, code))
        residual = residual + self.bias1.to(residual.dtype)  # which else would undo autocast
        residual = self.conv2(self.fuse2(residual, code))
        return F.interpolate(self.shortcut(hidden), scale_factor=2.0) + residual


class Fusion(nn.Module):
    """Two affine transformations, each with its rectifier: the paper's DFBlock without its convolution."""

    def __init__(self, channels: int, code_width: int, activation: Activation) -> None:
        super().__init__()
        self.affines = nn.ModuleList(Affine(channels, code_width) for _ in range(2))
        self.rectify = {"leaky": nn.LeakyReLU(0.2), "relu": nn.ReLU()}[activation]

    def forward(self, hidden: Tensor, code: Tensor) -> Tensor:
        """[B,K,h,w] and the code [B,Z+C] to [B,K,h,w]."""
        for affine in self.affines:
            hidden = self.rectify(affine(hidden, code))
        return hidden


class Affine(nn.Module):
    """A scale and a shift a channel, each by a perceptron; they start around 1 and around 0."""

    def __init__(self, channels: int, code_width: int) -> None:
        super().__init__()
        self.scale = _perceptron(code_width, channels, 1.0)
        self.shift = _perceptron(code_width, channels, 0.0)

    # Section 3.4: AFF(x_i | e) = gamma_i x_i + theta_i, gamma = MLP1(e), theta = MLP2(e)
    def forward(self, hidden: Tensor, code: Tensor) -> Tensor:
        """[B,K,h,w] and the code [B,Z+C] to [B,K,h,w]."""
        scale, shift = (of_code[:, :, None, None] for of_code in (self.scale(code), self.shift(code)))
        return torch.addcmul(shift, scale, hidden)


def _perceptron(in_channels: int, out_channels: int, start: float) -> nn.Sequential:
    """One hidden layer; what it gives starts around `start`."""
    last = nn.Linear(out_channels, out_channels)
    nn.init.constant_(last.bias, start)
    return nn.Sequential(nn.Linear(in_channels, out_channels), nn.ReLU(), last)
