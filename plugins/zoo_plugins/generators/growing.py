"""What growing generators share: ProGAN (arXiv:1710.10196), sections 2 and 4, appendix A.

Letters as in zoo_registry.contracts; also C channels at a resolution, h = w that resolution.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from zoo_plugins.equalised import (
    HE,
    EqualisedConv2d,
    EqualisedDoublingConv,
    EqualisedSpread,
    PixelNorm,
    channels,
)
from zoo_registry.contracts import Condition, ConditionSpec, Generated, Generator, GeneratorSpec, Growth, Text
from zoo_registry.errors import ZooError


class GrowingGenerator(nn.Module, Generator):
    """One block a resolution, from 4x4 on, each with its own layer to an image; a new resolution is faded in.

    Images are not bounded: what is trained to look real keeps near [-1, 1].

    depth: how many resolutions; the largest is 4 * 2 ** (depth - 1).
    width: channels of maps up to `wide_until`.
    wide_until: resolution of the largest maps with `width` channels; each doubling after it halves them.
    latent_width: of code and noise together; not set: `width`. What the conditioning leaves of it is noise.
    normalise_latent: whether code and noise are scaled to one length, as in ProGAN; T2F takes them as they
    are.
    gain: of the equalised layers, He's as in ProGAN; T2F's have 1.
    """

    def __init__(
        self,
        condition: ConditionSpec,
        /,
        *,
        depth: PositiveInt = 7,
        width: PositiveInt = 512,
        wide_until: Annotated[int, Field(ge=4)] = 32,
        latent_width: PositiveInt | None = None,
        normalise_latent: bool = True,
        gain: PositiveFloat = HE,
    ) -> None:
        super().__init__()
        latent = latent_width or width
        if latent <= condition.width:
            raise ZooError(
                f"generator.latent_width: the conditioning's code takes {condition.width} of it and noise "
                f"the rest: expected more than {condition.width}, got {latent}"
            )
        resolutions = tuple(4 << level for level in range(depth))
        self.spec = GeneratorSpec(resolutions, latent - condition.width, growing=True)
        widths = {resolution: channels(resolution, width, wide_until) for resolution in resolutions}
        self.normalise = PixelNorm() if normalise_latent else nn.Identity()
        self.blocks = nn.ModuleDict({"4": first_block(latent, width, gain)})  # by resolution
        for small, resolution in pairwise(resolutions):
            self.blocks[str(resolution)] = doubling_block(widths[small], widths[resolution], gain)
        self.to_image = nn.ModuleDict(
            {
                str(resolution): EqualisedConv2d(out_channels, 3, 1, gain=gain)
                for resolution, out_channels in widths.items()
            }
        )

    @staticmethod
    def largest_resolution(settings: Any, /) -> int:
        """By the setting `depth`."""
        depth: int = settings.depth
        return 4 << (depth - 1)

    def forward(self, noise: Tensor, condition: Condition, text: Text, growth: Growth) -> Generated:
        """`noise` is [B,Z]; one image, at `growth.resolution`. The text comes in through the condition."""
        hidden = coarse = self.normalise(torch.cat([condition.code, noise], dim=1))  # [B,latent]
        for resolution in self.spec.resolutions[: self.spec.resolutions.index(growth.resolution) + 1]:
            coarse, hidden = hidden, self.blocks[str(resolution)](hidden)  # [B,C,h/2,w/2], [B,C,h,w]
        return Generated((self.faded(coarse, hidden, growth),))

    def faded(self, coarse: Tensor, hidden: Tensor, growth: Growth) -> Tensor:
        """The image of the last two maps, [B,C,h/2,w/2] and [B,C,h,w] with h the growth's resolution."""
        image: Tensor = self.to_image[str(growth.resolution)](hidden)
        if growth.resolution > 4 and growth.alpha < 1:
            small = F.interpolate(
                self.to_image[str(growth.resolution // 2)](coarse), scale_factor=2.0
            )  # nearest
            image = torch.lerp(small, image, growth.alpha)
        return image


def first_block(latent: int, out_channels: int, gain: float) -> nn.Sequential:
    """Code and noise [B,latent] to [B,out_channels,4,4]."""
    return nn.Sequential(
        EqualisedSpread(latent, out_channels, gain=gain),
        nn.LeakyReLU(0.2),
        EqualisedConv2d(out_channels, out_channels, 3, padding=1, gain=gain),
        nn.LeakyReLU(0.2),
        PixelNorm(),
    )


def doubling_block(in_channels: int, out_channels: int, gain: float) -> nn.Sequential:
    """Twice the resolution: [B,in_channels,h,w] to [B,out_channels,2h,2w]."""
    return nn.Sequential(
        EqualisedDoublingConv(in_channels, out_channels, gain=gain),
        nn.LeakyReLU(0.2),
        PixelNorm(),
        EqualisedConv2d(out_channels, out_channels, 3, padding=1, gain=gain),
        nn.LeakyReLU(0.2),
        PixelNorm(),
    )
