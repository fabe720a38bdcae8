"""Growing generator: ProGAN (arXiv:1710.10196), sections 2 and 4, appendix A; with text as in T2F.

Letters as in zoo_registry.contracts; also C channels at a side, h = w that side.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import BaseModel, Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from zoo_plugins.equalised import (
    HE,
    EqualisedConv2d,
    EqualisedDoublingConv,
    EqualisedSpread,
    PixelNorm,
    channels,
)
from zoo_registry.contracts import Condition, ConditionSpec, Drawing, Generator, GeneratorSpec, Phase, Text
from zoo_registry.errors import ZooError


class ProgressiveGenerator(nn.Module, Generator):
    """One block a side, from 4x4 on, each with its own layer to an image; a new side is blended in.

    Images are not bounded: what is trained to look real keeps near [-1, 1].

    depth: how many sides; the largest is 4 * 2 ** (depth - 1). width: channels up to the side `wide_until`;
    each doubling after that halves them. latent_width: of code and noise together; None: `width`. What the
    conditioning leaves of it is noise. normalise_latent: whether it is scaled to one length, as in ProGAN;
    T2F takes it as it is. gain: of the equalised layers, He's as in ProGAN; T2F's have 1.
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
                f"the rest, so more than {condition.width} is wanted, found {latent}"
            )
        sides = tuple(4 << level for level in range(depth))
        self.spec = GeneratorSpec(sides, latent - condition.width, growing=True)
        widths = {side: channels(side, width, wide_until) for side in sides}
        self.normalise = PixelNorm() if normalise_latent else nn.Identity()
        self.blocks = nn.ModuleDict({"4": first_block(latent, width, gain)})  # by side
        for small, side in pairwise(sides):
            self.blocks[str(side)] = doubling_block(widths[small], widths[side], gain)
        self.to_image = nn.ModuleDict(
            {str(side): EqualisedConv2d(wide, 3, 1, gain=gain) for side, wide in widths.items()}
        )

    @staticmethod
    def largest_side(settings: BaseModel, /) -> int:
        """By the setting `depth`."""
        depth: int = settings.depth  # type: ignore[attr-defined]
        return 4 << (depth - 1)

    def forward(self, noise: Tensor, condition: Condition, text: Text, phase: Phase) -> Drawing:
        """`noise` is [B,Z]; one image, of the phase's side. The text is read through the condition alone."""
        hidden = coarse = self.normalise(torch.cat([condition.code, noise], dim=1))  # [B,latent]
        for side in self.spec.sides[: self.spec.sides.index(phase.side) + 1]:
            coarse, hidden = hidden, self.blocks[str(side)](hidden)  # [B,C,h/2,w/2], [B,C,h,w]
        return Drawing((self.blended(coarse, hidden, phase),))

    def blended(self, coarse: Tensor, hidden: Tensor, phase: Phase) -> Tensor:
        """The image of the last two maps, [B,C,h/2,w/2] and [B,C,h,w] with h the phase's side."""
        image: Tensor = self.to_image[str(phase.side)](hidden)
        if phase.side > 4 and phase.blend < 1:
            small = F.interpolate(self.to_image[str(phase.side // 2)](coarse), scale_factor=2.0)  # nearest
            image = torch.lerp(small, image, phase.blend)
        return image


def first_block(latent: int, wide: int, gain: float) -> nn.Sequential:
    """Code and noise [B,latent] to [B,wide,4,4]."""
    return nn.Sequential(
        EqualisedSpread(latent, wide, gain=gain),
        nn.LeakyReLU(0.2),
        EqualisedConv2d(wide, wide, 3, padding=1, gain=gain),
        nn.LeakyReLU(0.2),
        PixelNorm(),
    )


def doubling_block(narrow: int, wide: int, gain: float) -> nn.Sequential:
    """Twice the side: [B,narrow,h,w] to [B,wide,2h,2w]."""
    return nn.Sequential(
        EqualisedDoublingConv(narrow, wide, gain=gain),
        nn.LeakyReLU(0.2),
        PixelNorm(),
        EqualisedConv2d(wide, wide, 3, padding=1, gain=gain),
        nn.LeakyReLU(0.2),
        PixelNorm(),
    )
