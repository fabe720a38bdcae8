"""Tree of generators: StackGAN++ (arXiv:1710.10916), sections 3.1 and 3.2.

Letters as in zoo_registry.contracts; also K base channels, h = w a stage's side.
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import AfterValidator, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from zoo_plugins.blocks import Gate, conv3x3, initialise
from zoo_registry.contracts import (
    Condition,
    ConditionSpec,
    Drawing,
    Generator,
    GeneratorSpec,
    Phase,
    Text,
)
from zoo_registry.errors import ZooError

from .attention_stages import Doubled, FirstStage, Residual, doubling


class JointStages(nn.Module, Generator):
    """Stages of doubling sides: the first draws from code and noise, each later one is told the code again.

    Without text the later stages are told the noise.

    sides: of the stages' images, small to large; the first a power of two from 8, each twice the one before.
    base_channels: K, of the first stage; each stage has half of the one before.
    residual_blocks: in each later stage. noise_width: Z.
    """

    def __init__(
        self,
        condition: ConditionSpec,
        /,
        *,
        sides: Annotated[tuple[PositiveInt, ...], AfterValidator(doubling)] = (64, 128, 256),
        base_channels: PositiveInt = 64,
        residual_blocks: NonNegativeInt = 2,
        noise_width: PositiveInt = 100,
    ) -> None:
        super().__init__()
        try:
            doubling(sides)
        except ValueError as fault:
            raise ZooError(f"generator.sides: {fault}, found {list(sides)}") from None
        if base_channels % (1 << (len(sides) - 1)):
            raise ZooError(
                f"generator.base_channels: {base_channels}, but each of the {len(sides)} sides has half the "
                f"channels of the one before; a multiple of {1 << (len(sides) - 1)} is right"
            )
        self.spec = GeneratorSpec(sides, noise_width)
        self.first = FirstStage(condition.width + noise_width, sides[0], base_channels)
        told = condition.width or noise_width
        self.later = nn.ModuleList(
            LaterStage(told, base_channels >> i, residual_blocks) for i in range(len(sides) - 1)
        )
        self.to_image = nn.ModuleList(
            nn.Sequential(conv3x3(base_channels >> i, 3), nn.Tanh()) for i in range(len(sides))
        )
        self.apply(initialise)

    def forward(self, noise: Tensor, condition: Condition, text: Text, phase: Phase) -> Drawing:
        """`noise` is [B,Z]. Does not read words and does not grow: `text` and `phase` are ignored."""
        hidden = self.first(torch.cat([condition.code, noise], dim=1))
        told = condition.code if condition.code.shape[1] else noise
        images = [self.to_image[0](hidden)]
        for stage, to_image in zip(self.later, self.to_image[1:], strict=True):
            hidden = stage(hidden, told)
            images.append(to_image(hidden))
        return Drawing(tuple(images))


class LaterStage(nn.Module):
    """Refines the stage before by the code, doubles its side and halves its channels."""

    def __init__(self, code_width: int, channels: int, residual_blocks: int) -> None:
        super().__init__()
        self.joint = JointConv(code_width, channels, 2 * channels)
        self.joint_norm = nn.BatchNorm2d(2 * channels)
        self.gate = Gate()
        self.residual = nn.Sequential(*(Residual(channels) for _ in range(residual_blocks)))
        self.up = Doubled(channels, channels // 2)

    def forward(self, hidden: Tensor, code: Tensor) -> Tensor:
        """[B,K,h,w] to [B,K/2,2h,2w]."""
        joint = self.gate(self.joint_norm(self.joint(hidden, code)))  # [B,2K,h,w] -> [B,K,h,w]
        result: Tensor = self.up(self.residual(joint))
        return result


class JointConv(nn.Conv2d):
    """3x3 convolution over the code at every place and the hidden picture, concatenated.

    What the code adds to a place depends only on which borders the place touches: it is computed for the nine
    cases and spread. Of the products, code channels / all channels are saved, 4 in 5 where they are most.
    """

    def __init__(self, code_width: int, channels: int, wide: int) -> None:
        super().__init__(code_width + channels, wide, 3, padding=1, bias=False)
        self.code_width = code_width

    def forward(self, input: Tensor, code: Tensor) -> Tensor:  # type: ignore[override]
        """[B,channels,h,w] and [B,code_width] to [B,wide,h,w]; h and w from 2."""
        of_code, of_hidden = self.weight.split([self.code_width, input.shape[1]], dim=1)
        nine = F.conv2d(code[:, :, None, None].expand(-1, -1, 3, 3), of_code, padding=1)  # [B,wide,3,3]
        height, width = input.shape[2:]
        return F.conv2d(input, of_hidden, padding=1) + _spread(_spread(nine, 2, height), 3, width)


def _spread(nine: Tensor, axis: int, length: int) -> Tensor:
    """First, middle and last along an axis to that many: all but the first and the last are the middle."""
    first, middle, last = nine.split(1, dim=axis)
    sizes = list(middle.shape)
    sizes[axis] = length - 2
    return torch.cat([first, middle.expand(sizes), last], dim=axis)
