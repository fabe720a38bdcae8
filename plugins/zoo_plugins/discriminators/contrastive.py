"""Growing discriminator that matches images and captions: XMC-GAN (arXiv:2101.04702), section 4.

The logit is a projection of the sentence (arXiv:1802.05637, equation 3). Letters as in
zoo_registry.contracts; also E the width of the space in which images and captions are compared.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch.nn.functional as F
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from zoo_plugins.equalised import HE, EqualisedConv2d, EqualisedLinear, MinibatchDeviation
from zoo_plugins.redescriber import Redescriber
from zoo_plugins.trunk import ResidualTrunk
from zoo_registry.contracts import Discriminator, GeneratorSpec, Growth, ImageFeatures, Text, TextSpec
from zoo_registry.errors import ZooError


class ContrastiveDiscriminator(nn.Module, Discriminator):
    """One residual block per resolution down to 4x4; the sentence joins by an inner product.

    It has `match` for the loss `contrastive`: the image as a vector and as 8x8 regions, the caption as a
    sentence and as words, in one space. What it learns there from real pairs serves its logit too.

    width: channels of maps up to `wide_until`.
    wide_until: resolution of the largest maps with `width` channels; each doubling after it halves them.
    joint_width: E, of the space that images and captions share.
    deviation_group: how many images share one minibatch deviation.
    redescribes: whether it also has `redescribe` for the loss `redescription`. "frozen": the network that
        predicts words keeps the weights it begins with, those of a matching stage, as in MirrorGAN
        (arXiv:1903.05854, section 3.3); it does not bear the learning rates of equalised layers.
    """

    unconditional = True

    def __init__(
        self,
        text: TextSpec,
        generator: GeneratorSpec,
        /,
        *,
        width: PositiveInt = 128,
        wide_until: Annotated[int, Field(ge=4)] = 16,
        joint_width: PositiveInt = 128,
        deviation_group: PositiveInt = 4,
        redescribes: bool | Literal["frozen"] = False,
    ) -> None:
        super().__init__()
        if not text.words:
            raise ZooError("discriminator: 'contrastive' needs a text encoder that gives words")
        resolutions = generator.resolutions
        if resolutions[-1] < 16 or any(at & (at - 1) for at in resolutions):
            raise ZooError(
                "discriminator: 'contrastive' expects powers of two, the largest at least 16, got the "
                f"generator's resolutions {list(resolutions)}"
            )
        self.trunk = ResidualTrunk(resolutions[-1], width, wide_until, growing=True)
        self.last = nn.Sequential(
            MinibatchDeviation(deviation_group),
            EqualisedConv2d(width + 1, width, 3, padding=1, gain=HE),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            EqualisedLinear(width * 16, width, gain=HE),
            nn.LeakyReLU(0.2),
        )
        self.logit = EqualisedLinear(width, 1)
        self.image = EqualisedLinear(width * 16, joint_width)
        self.regions = EqualisedConv2d(width, joint_width, 1)
        self.sentence = EqualisedLinear(text.width, joint_width)
        self.words = EqualisedLinear(text.width, joint_width)
        self.projection = EqualisedLinear(text.width, width)
        self.redescribes = bool(redescribes)
        if redescribes:
            self.redescriber = Redescriber(text, joint_width, "discriminator")
            self.redescriber.requires_grad_(redescribes != "frozen")

    def features(self, images: tuple[Tensor, ...], growth: Growth) -> tuple[Tensor, ...]:
        """Of the largest image: [B,width] for the logit, [B,C,4,4] and [B,C,8,8] for `match`."""
        regions, last = self.trunk(images[-1], growth.alpha)
        return self.last(last), last, regions

    def score(self, features: tuple[Tensor, ...], sentence: Tensor | None) -> tuple[Tensor, ...]:
        """Logits [B]; `sentence` is [B,D], None for the unconditional head."""
        hidden = features[0]
        logit: Tensor = self.logit(hidden).flatten()
        if sentence is not None:
            projected = self.projection(_unit(sentence))
            logit = logit + (hidden * projected).sum(1) / math.sqrt(hidden.shape[1])
        return (logit,)

    def match(self, features: tuple[Tensor, ...], text: Text) -> tuple[ImageFeatures, Text]:
        """Images and captions in one space of width E."""
        assert text.words is not None
        return self._image(features), Text(
            self.sentence(_unit(text.sentence)), self.words(_unit(text.words)), text.mask
        )

    def redescribe(self, features: tuple[Tensor, ...], text: Text) -> Tensor:
        """Logits [B,L,V] of each word of a caption, from the image and the caption's other words."""
        logits: Tensor = self.redescriber(self._image(features), text)
        return logits

    def _image(self, features: tuple[Tensor, ...]) -> ImageFeatures:
        """The image as a vector [B,E] and as regions."""
        _, last, regions = features
        grid = regions.shape[2:]
        return ImageFeatures(
            self.image(last.flatten(1)), self.regions(regions).flatten(2).transpose(1, 2), (grid[0], grid[1])
        )


def _unit(vectors: Tensor) -> Tensor:
    """Vectors of a mean square of 1, as equalised layers expect their input."""
    return F.normalize(vectors, dim=-1) * math.sqrt(vectors.shape[-1])
