"""One discriminator a side: AttnGAN (arXiv:1711.10485), section 3.1; StackGAN++ (arXiv:1710.10916).

Letters as in zoo_registry.contracts; also F base channels.
"""

from __future__ import annotations

from typing import cast

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_plugins.blocks import conv3x3, initialise
from zoo_registry.contracts import Discriminator, GeneratorSpec, Phase, TextSpec
from zoo_registry.errors import ZooError


class Pyramid(nn.Module, Discriminator):
    """A network a side brings its image to [B,8F,4,4]; heads score that alone and with the sentence.

    base_channels: F, after the first convolution.
    unconditional: whether there is a head that ignores the sentence.
    """

    def __init__(
        self,
        text: TextSpec,
        generator: GeneratorSpec,
        /,
        *,
        base_channels: PositiveInt = 64,
        unconditional: bool = True,
    ) -> None:
        super().__init__()
        if generator.growing:
            raise ZooError(
                "discriminator: 'pyramid' judges every side at once, this generator draws one at a time; "
                "it takes a growing discriminator"
            )
        for side in generator.sides:
            if side < 8 or side & (side - 1):
                raise ZooError(
                    f"discriminator: 'pyramid' judges powers of two from 8, not the generator's side {side}"
                )
        self.unconditional = unconditional
        # by side, so that one side's weights have one name, whatever the other sides
        self.networks = nn.ModuleDict(
            {
                str(side): SideNetwork(text.width, side, base_channels, unconditional)
                for side in generator.sides
            }
        )
        self.apply(initialise)

    def features(self, images: tuple[Tensor, ...], phase: Phase) -> tuple[Tensor, ...]:
        """[B,8F,4,4] a side. Does not grow: `phase` is ignored."""
        return tuple(network.trunk(image) for network, image in zip(self._each(), images, strict=True))

    def score(self, features: tuple[Tensor, ...], sentence: Tensor | None) -> tuple[Tensor, ...]:
        """Logits [B] a side; `sentence` is [B,D], None for the unconditional head."""
        return tuple(
            network.score(of_side, sentence) for network, of_side in zip(self._each(), features, strict=True)
        )

    def _each(self) -> list[SideNetwork]:
        return cast("list[SideNetwork]", list(self.networks.values()))


class SideNetwork(nn.Module):
    """Trunk and heads for one side."""

    def __init__(self, text_width: int, side: int, channels: int, unconditional: bool) -> None:
        super().__init__()
        self.trunk = _trunk(side, channels)
        self.joint = _normalised(conv3x3(8 * channels + text_width, 8 * channels))
        self.conditional = nn.Conv2d(8 * channels, 1, 4)
        self.unconditional = nn.Conv2d(8 * channels, 1, 4) if unconditional else None

    def score(self, feature: Tensor, sentence: Tensor | None) -> Tensor:
        """Logits [B] of features [B,8F,4,4]."""
        if sentence is None:
            assert self.unconditional is not None
            logits: Tensor = self.unconditional(feature)  # [B,1,1,1]
        else:
            everywhere = sentence[:, :, None, None].expand(-1, -1, 4, 4)  # [B,D] -> [B,D,4,4]
            logits = self.conditional(self.joint(torch.cat([feature, everywhere], dim=1)))  # [B,1,1,1]
        return logits.flatten()


def _trunk(side: int, channels: int) -> nn.Sequential:
    """[B,3,R,R] to [B,8F,4,4]: halvings double the channels, to 32F at most; 3x3 blocks bring them to 8F."""
    first = nn.Conv2d(3, channels, 4, 2, 1, bias=False)
    blocks = [nn.Sequential(first, nn.LeakyReLU(0.2))]
    width = 1  # channels / F
    while side > 8:
        side, narrow, width = side // 2, width, min(2 * width, 32)
        blocks.append(_normalised(nn.Conv2d(narrow * channels, width * channels, 4, 2, 1, bias=False)))
    while width != 8:
        narrow, width = width, max(width // 2, 8)
        blocks.append(_normalised(conv3x3(narrow * channels, width * channels)))
    return nn.Sequential(*blocks)


def _normalised(conv: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels), nn.LeakyReLU(0.2))
