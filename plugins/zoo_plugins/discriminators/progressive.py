"""Growing discriminator: ProGAN (arXiv:1710.10196), sections 2 and 3, appendix A; with T2F's last block.

T2F (github.com/akanimax/T2F) joins a compressed sentence to the last map. Letters as in
zoo_registry.contracts; also C channels at a resolution, h = w that resolution.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from zoo_plugins.equalised import HE, EqualisedConv2d, EqualisedLinear, MinibatchDeviation, channels
from zoo_registry.contracts import Discriminator, GeneratorSpec, Growth, TextSpec
from zoo_registry.errors import ZooError


class ProgressiveDiscriminator(nn.Module, Discriminator):
    """One block per resolution down to 4x4, each with its own layer from the image; a new one is faded in.

    With text there is one score, of image and sentence together; without, one of the image.

    width: channels of maps up to `wide_until`.
    wide_until: resolution of the largest maps with `width` channels; each doubling after it halves them.
    last_width: of the last map, 1x1; not set: `width`.
    compressed_width: of the sentence as the last block sees it.
    deviation_group: how many images share one minibatch deviation; "batch": all, as in T2F.
    rectified_image: whether a rectifier follows the layers from the image, as in ProGAN; T2F has none.
    gain: of the equalised layers, He's as in ProGAN; T2F's have 1.
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
                "discriminator: 'progressive' judges one resolution at a time, this generator makes all; "
                "use a discriminator for fixed resolutions"
            )
        resolutions = generator.resolutions
        if (
            resolutions[0] < 4
            or resolutions[0] & (resolutions[0] - 1)
            or any(b != 2 * a for a, b in pairwise(resolutions))
        ):
            raise ZooError(
                "discriminator: 'progressive' judges powers of two from 4, each twice the one before, "
                f"not the generator's resolutions {list(resolutions)}"
            )
        self.smallest = resolutions[0]
        self.unconditional = text.width == 0
        last = last_width or width
        rectifier = nn.LeakyReLU(0.2)
        self.from_image = nn.ModuleDict()  # by resolution, as are the blocks
        for resolution in resolutions:
            layer = EqualisedConv2d(3, channels(resolution, width, wide_until), 1, gain=gain)
            self.from_image[str(resolution)] = nn.Sequential(layer, *([rectifier] if rectified_image else []))
        self.blocks = nn.ModuleDict()
        for resolution in (4 << level for level in range(1, (resolutions[-1] // 4).bit_length())):
            in_channels, out_channels = (
                channels(at, width, wide_until) for at in (resolution, resolution // 2)
            )
            self.blocks[str(resolution)] = _downsampling(in_channels, out_channels, gain)
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

    def features(self, images: tuple[Tensor, ...], growth: Growth) -> tuple[Tensor, ...]:
        """[B,width,4,4] of the one image, at `growth.resolution`."""
        (image,) = images
        hidden = self.from_image[str(growth.resolution)](image)  # [B,C,h,w]
        resolution = growth.resolution
        while resolution > 4:
            hidden = self.blocks[str(resolution)](hidden)  # [B,C,h,w] -> [B,C,h/2,w/2]
            if resolution == growth.resolution > self.smallest and growth.alpha < 1:
                small = self.from_image[str(resolution // 2)](F.avg_pool2d(image, 2))
                hidden = torch.lerp(small, hidden, growth.alpha)
            resolution //= 2
        return (self.together(hidden),)

    def score(self, features: tuple[Tensor, ...], sentence: Tensor | None) -> tuple[Tensor, ...]:
        """Logits [B]; `sentence` is [B,D], None where the recipe has no text."""
        (hidden,) = features
        if sentence is not None:
            everywhere = self.compress(sentence)[:, :, None, None].expand(-1, -1, 4, 4)  # [B,D] -> [B,.,4,4]
            hidden = self.joint(torch.cat([hidden, everywhere], dim=1))
        return (self.logit(hidden).flatten(),)  # [B,1,1,1] -> [B]


def _downsampling(in_channels: int, out_channels: int, gain: float) -> nn.Sequential:
    """Half the resolution: [B,in_channels,h,w] to [B,out_channels,h/2,w/2]."""
    return nn.Sequential(
        EqualisedConv2d(in_channels, in_channels, 3, padding=1, gain=gain),
        nn.LeakyReLU(0.2),
        EqualisedConv2d(in_channels, out_channels, 3, padding=1, gain=gain),
        nn.LeakyReLU(0.2),
        nn.AvgPool2d(2),
    )
