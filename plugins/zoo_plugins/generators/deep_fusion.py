"""One-stage generator of deep text-image fusion: DF-GAN (arXiv:2008.05865), sections 3.1 and 3.4.

Letters as in zoo_registry.contracts; also F base channels, K channels of a block, h = w its side.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import AfterValidator, BaseModel, PositiveInt
from torch import Tensor, nn

from zoo_plugins.blocks import DoublingConv
from zoo_registry.contracts import Condition, ConditionSpec, Drawing, Generator, GeneratorSpec, Phase, Text
from zoo_registry.errors import ZooError

Activation = Literal["leaky", "relu"]


def _power_of_two(side: int) -> int:
    if side < 8 or side & (side - 1):
        raise ValueError("the side would be a power of two, 8 or larger")
    return side


def widths(side: int, channels: int) -> list[int]:
    """Channels at every side from the image's down to 4: doubled at each, to 8 times at most."""
    return [channels * min(1 << i, 8) for i in range(side.bit_length() - 2)]


class DeepFusion(nn.Module, Generator):
    """Noise to an image of one side; noise and code scale and shift the channels four times a block.

    side: of the image, a power of two from 8. base_channels: F, at that side; 8F at the smallest.
    noise_width: Z.
    activation: what follows each scaling. "leaky" (slope 0.2) is the authors' code, and the published weights
        were trained with it; "relu" is the paper.
    """

    def __init__(
        self,
        condition: ConditionSpec,
        /,
        *,
        side: Annotated[PositiveInt, AfterValidator(_power_of_two)] = 256,
        base_channels: PositiveInt = 32,
        noise_width: PositiveInt = 100,
        activation: Activation = "leaky",
    ) -> None:
        super().__init__()
        try:
            _power_of_two(side)
        except ValueError as fault:
            raise ZooError(f"generator.side: {fault}, found {side}") from None
        self.spec = GeneratorSpec((side,), noise_width)
        channels = widths(side, base_channels)[::-1]
        self.fc = nn.Linear(noise_width, 16 * channels[0])
        self.blocks = nn.ModuleList(
            Block(narrow, wide, noise_width + condition.width, activation)
            for narrow, wide in pairwise(channels)
        )
        self.to_image = nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(base_channels, 3, 3, padding=1), nn.Tanh())

    @staticmethod
    def largest_side(settings: BaseModel, /) -> int:
        """The only one."""
        side: int = settings.side  # type: ignore[attr-defined]
        return side

    def forward(self, noise: Tensor, condition: Condition, text: Text, phase: Phase) -> Drawing:
        """`noise` is [B,Z]. Reads no words, does not grow: `text` and `phase` are ignored."""
        code = torch.cat([noise, condition.code], dim=1)  # [B,Z+C]
        hidden = self.fc(noise).view(noise.shape[0], -1, 4, 4)  # [B,16*8F] -> [B,8F,4,4]
        for block in self.blocks:
            hidden = block(hidden, code)
        return Drawing((self.to_image(hidden),))


class Block(nn.Module):
    """Twice the side: two convolutions, each after a fusion, beside a 1x1 one where the widths differ."""

    def __init__(self, narrow: int, wide: int, code_width: int, activation: Activation) -> None:
        super().__init__()
        self.fuse1 = Fusion(narrow, code_width, activation)
        self.conv1 = DoublingConv(narrow, wide)
        self.bias1 = nn.Parameter(torch.zeros(wide, 1, 1))
        self.fuse2 = Fusion(wide, code_width, activation)
        self.conv2 = nn.Conv2d(wide, wide, 3, padding=1)
        self.shortcut = nn.Conv2d(narrow, wide, 1) if narrow != wide else nn.Identity()

    # The paper doubles the side first. What acts on each pixel alone, the first fusion and the shortcut, is
    # the same before nearest neighbour as after it, for a quarter of the work.
    def forward(self, hidden: Tensor, code: Tensor) -> Tensor:
        """[B,narrow,h,w] and the code [B,Z+C] to [B,wide,2h,2w]."""
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


def _perceptron(narrow: int, wide: int, start: float) -> nn.Sequential:
    """One hidden layer; what it gives starts around `start`."""
    last = nn.Linear(wide, wide)
    nn.init.constant_(last.bias, start)
    return nn.Sequential(nn.Linear(narrow, wide), nn.ReLU(), last)
