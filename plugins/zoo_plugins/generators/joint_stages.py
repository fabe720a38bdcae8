"""Tree of generators: StackGAN++ (arXiv:1710.10916), sections 3.1 and 3.2.

Letters as in zoo_registry.contracts; also K base channels, h = w a stage's resolution.
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
    Generated,
    Generator,
    GeneratorSpec,
    Growth,
    Text,
)
from zoo_registry.errors import ZooError

from .stages import Doubled, FirstStage, Residual, doubling


class JointStages(nn.Module, Generator):
    """Stages of doubling resolutions: the first starts from code and noise, the later ones get the code
    again.

    Without text the later stages get the noise.

    resolutions: of the stages' images, small to large; the first a power of two from 8, each twice the one
    before.
    base_channels: K, channels of the first stage; each stage has half of the one before.
    residual_blocks: how many in each later stage. noise_width: Z, of the noise.
    """

    def __init__(
        self,
        condition: ConditionSpec,
        /,
        *,
        resolutions: Annotated[tuple[PositiveInt, ...], AfterValidator(doubling)] = (64, 128, 256),
        base_channels: PositiveInt = 64,
        residual_blocks: NonNegativeInt = 2,
        noise_width: PositiveInt = 100,
    ) -> None:
        super().__init__()
        try:
            doubling(resolutions)
        except ValueError as error:
            raise ZooError(f"generator.resolutions: {error}, got {list(resolutions)}") from None
        if base_channels % (1 << (len(resolutions) - 1)):
            raise ZooError(
                f"generator.base_channels: each of the {len(resolutions)} resolutions halves the channels; "
                f"expected a multiple of {1 << (len(resolutions) - 1)}, got {base_channels}"
            )
        self.spec = GeneratorSpec(resolutions, noise_width)
        self.first = FirstStage(condition.width + noise_width, resolutions[0], base_channels)
        joined = condition.width or noise_width
        self.later = nn.ModuleList(
            LaterStage(joined, base_channels >> i, residual_blocks) for i in range(len(resolutions) - 1)
        )
        self.to_image = nn.ModuleList(
            nn.Sequential(conv3x3(base_channels >> i, 3), nn.Tanh()) for i in range(len(resolutions))
        )
        self.apply(initialise)

    def forward(self, noise: Tensor, condition: Condition, text: Text, growth: Growth) -> Generated:
        """`noise` is [B,Z]. Does not read words and does not grow: `text` and `growth` are ignored."""
        hidden = self.first(torch.cat([condition.code, noise], dim=1))
        joined = condition.code if condition.code.shape[1] else noise
        images = [self.to_image[0](hidden)]
        for stage, to_image in zip(self.later, self.to_image[1:], strict=True):
            hidden = stage(hidden, joined)
            images.append(to_image(hidden))
        return Generated(tuple(images))


class LaterStage(nn.Module):
    """Refines the stage before by the code, doubles its resolution and halves its channels."""

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
    """3x3 convolution over the code at every place and the hidden image, concatenated.

    What the code adds to a place depends only on which borders the place touches: it is computed for the nine
    cases and spread. Of the products, code channels / all channels are saved, 4 in 5 where they are most.
    """

    def __init__(self, code_width: int, channels: int, out_channels: int) -> None:
        super().__init__(code_width + channels, out_channels, 3, padding=1, bias=False)
        self.code_width = code_width

    def forward(self, input: Tensor, code: Tensor) -> Tensor:  # type: ignore[override]
        """[B,channels,h,w] and [B,code_width] to [B,out_channels,h,w]; h and w from 2."""
        of_code, of_hidden = self.weight.split([self.code_width, input.shape[1]], dim=1)
        nine = F.conv2d(
            code[:, :, None, None].expand(-1, -1, 3, 3), of_code, padding=1
        )  # [B,out_channels,3,3]
        height, width = input.shape[2:]
        return F.conv2d(input, of_hidden, padding=1) + _spread(_spread(nine, 2, height), 3, width)


def _spread(nine: Tensor, axis: int, length: int) -> Tensor:
    """First, middle and last along an axis to that many: all but the first and the last are the middle."""
    first, middle, last = nine.split(1, dim=axis)
    sizes = list(middle.shape)
    sizes[axis] = length - 2
    return torch.cat([first, middle.expand(sizes), last], dim=axis)
