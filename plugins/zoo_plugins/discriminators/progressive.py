"""Growing discriminator: ProGAN (arXiv:1710.10196), sections 2 and 3, appendix A; with T2F's last block.

T2F (github.com/akanimax/T2F) joins a compressed sentence to the last map. Letters as in
zoo_registry.contracts; also C channels at a side, h = w that side.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from zoo_plugins.equalised import HE, EqualisedConv2d, EqualisedLinear, MinibatchDeviation, channels
from zoo_registry.contracts import Discriminator, GeneratorSpec, Phase, TextSpec
from zoo_registry.errors import ZooError


class ProgressiveDiscriminator(nn.Module, Discriminator):
    """One block a side down to 4x4, each side with its own layer from the image; a new side is blended in.

    With text there is one score, of image and sentence together; without, one of the image.

    width: channels up to the side `wide_until`; each doubling after that halves them. last_width: of the last
    map, 1x1; None: `width`. compressed_width: of the sentence as the last block sees it. deviation_group: how
    many pictures share one deviation; T2F's is the batch's. rectified_image: whether a rectifier follows the
    layers from the image, as in ProGAN; T2F has none. gain: of the equalised layers, He's as in ProGAN; T2F's
    have 1.
    """

    def __init__(
        self,
        text: TextSpec,
        generator: GeneratorSpec,
        /,
        *,
        width: PositiveInt = 512,
        wide_until: Annotated[int, Field(ge=4)] = 32,
        last_width: PositiveInt | None = None,
        compressed_width: PositiveInt = 128,
        deviation_group: PositiveInt | Literal["batch"] = 4,
        rectified_image: bool = True,
        gain: PositiveFloat = HE,
    ) -> None:
        super().__init__()
        if not generator.growing:
            raise ZooError(
                "discriminator: 'progressive' judges one side at a time, this generator draws all at once; "
                "it takes a discriminator of fixed sides"
            )
        sides = generator.sides
        if sides[0] < 4 or sides[0] & (sides[0] - 1) or any(b != 2 * a for a, b in pairwise(sides)):
            raise ZooError(
                "discriminator: 'progressive' judges powers of two from 4, each twice the one before, "
                f"not the generator's sides {list(sides)}"
            )
        self.smallest = sides[0]
        self.unconditional = text.width == 0
        last = last_width or width
        rectifier = nn.LeakyReLU(0.2)
        self.from_image = nn.ModuleDict()  # by side, as are the blocks
        for side in sides:
            layer = EqualisedConv2d(3, channels(side, width, wide_until), 1, gain=gain)
            self.from_image[str(side)] = nn.Sequential(layer, *([rectifier] if rectified_image else []))
        self.blocks = nn.ModuleDict()
        for side in (4 << level for level in range(1, (sides[-1] // 4).bit_length())):
            few, many = (channels(at, width, wide_until) for at in (side, side // 2))
            self.blocks[str(side)] = _halving(few, many, gain)
        self.together = nn.Sequential(
            MinibatchDeviation(deviation_group),
            EqualisedConv2d(width + 1, width, 3, padding=1, gain=gain),
            rectifier,
        )
        if not self.unconditional:
            self.compress = EqualisedLinear(text.width, compressed_width, gain=gain)
            self.joint = nn.Sequential(
                EqualisedConv2d(width + compressed_width, width, 1, gain=gain), rectifier
            )
        self.logit = nn.Sequential(
            EqualisedConv2d(width, last, 4, gain=gain), rectifier, EqualisedConv2d(last, 1, 1, gain=gain)
        )

    def features(self, images: tuple[Tensor, ...], phase: Phase) -> tuple[Tensor, ...]:
        """[B,width,4,4] of the one image, whose side is the phase's."""
        (image,) = images
        hidden = self.from_image[str(phase.side)](image)  # [B,C,h,w]
        side = phase.side
        while side > 4:
            hidden = self.blocks[str(side)](hidden)  # [B,C,h,w] -> [B,C,h/2,w/2]
            if side == phase.side > self.smallest and phase.blend < 1:
                small = self.from_image[str(side // 2)](F.avg_pool2d(image, 2))
                hidden = torch.lerp(small, hidden, phase.blend)
            side //= 2
        return (self.together(hidden),)

    def score(self, features: tuple[Tensor, ...], sentence: Tensor | None) -> tuple[Tensor, ...]:
        """Logits [B]; `sentence` is [B,D], None where the recipe has no text."""
        (hidden,) = features
        if sentence is not None:
            everywhere = self.compress(sentence)[:, :, None, None].expand(-1, -1, 4, 4)  # [B,D] -> [B,.,4,4]
            hidden = self.joint(torch.cat([hidden, everywhere], dim=1))
        return (self.logit(hidden).flatten(),)  # [B,1,1,1] -> [B]


def _halving(few: int, many: int, gain: float) -> nn.Sequential:
    """Half the side: [B,few,h,w] to [B,many,h/2,w/2]."""
    return nn.Sequential(
        EqualisedConv2d(few, few, 3, padding=1, gain=gain),
        nn.LeakyReLU(0.2),
        EqualisedConv2d(few, many, 3, padding=1, gain=gain),
        nn.LeakyReLU(0.2),
        nn.AvgPool2d(2),
    )
