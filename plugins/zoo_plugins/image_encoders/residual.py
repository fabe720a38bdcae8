"""Image encoder with the trunk of the discriminator `contrastive`, which can take it over.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from pydantic import AfterValidator, Field, PositiveInt
from torch import Tensor, nn

from zoo_plugins.blocks import power_of_two
from zoo_plugins.equalised import EqualisedConv2d, EqualisedLinear
from zoo_plugins.redescriber import Redescriber
from zoo_plugins.trunk import ResidualTrunk
from zoo_registry.contracts import ImageEncoder, ImageFeatures, Text, TextSpec
from zoo_registry.errors import ZooError


class ResidualEncoder(nn.Module, ImageEncoder):
    """Images [B,3,R,R] to a vector [B,D] and 8x8 regions, learnt from nothing.

    resolution: R of the images, a power of two from 16. width: channels of maps up to `wide_until`.
    wide_until: resolution of the largest maps with `width` channels; each doubling after it halves them.
    redescribes: whether it also has `redescribe` for the loss `redescription`.
    """

    def __init__(
        self,
        text: TextSpec,
        /,
        *,
        resolution: Annotated[int, Field(ge=16), AfterValidator(power_of_two)] = 64,
        width: PositiveInt = 128,
        wide_until: Annotated[int, Field(ge=4)] = 16,
        redescribes: bool = False,
    ) -> None:
        super().__init__()
        try:
            self.resolution = power_of_two(resolution)
        except ValueError as error:
            raise ZooError(f"image_encoder.resolution: {error}, got {resolution}") from None
        self.trunk = ResidualTrunk(resolution, width, wide_until, growing=False)
        self.image = EqualisedLinear(width * 16, text.width)
        self.regions = EqualisedConv2d(width, text.width, 1)
        self.redescribes = redescribes
        if redescribes:
            self.redescriber = Redescriber(text, text.width, "image_encoder")

    def forward(self, images: Tensor) -> ImageFeatures:
        """`images` is [B,3,h,w] in [-1, 1], resized where h is not R."""
        if images.shape[-1] != self.resolution:
            images = F.interpolate(images, self.resolution, mode="bilinear", antialias=True)
        regions, last = self.trunk(images)
        height, width = regions.shape[2:]
        return ImageFeatures(
            self.image(last.flatten(1)), self.regions(regions).flatten(2).transpose(1, 2), (height, width)
        )

    def redescribe(self, features: ImageFeatures, text: Text) -> Tensor:
        """Logits [B,L,V] of each word of a caption, from the image and the caption's other words."""
        logits: Tensor = self.redescriber(features, text)
        return logits
