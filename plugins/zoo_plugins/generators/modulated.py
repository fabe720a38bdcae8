"""Growing generator whose layers are modulated: StyleGAN2 (arXiv:1912.04958), sections 2 and 4.

Words modulate it place by place, as in XMC-GAN (arXiv:2101.04702), section 4.2. Letters as in
zoo_registry.contracts; also S style width, C channels at a resolution, h = w a resolution.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from zoo_plugins.attention import attended
from zoo_plugins.blocks import DoublingConv, conv3x3
from zoo_plugins.equalised import HE, EqualisedConv2d, EqualisedLinear, EqualisedSpread, PixelNorm, channels
from zoo_registry.contracts import (
    Condition,
    ConditionSpec,
    Generated,
    Generator,
    GeneratorSpec,
    Growth,
    Text,
    TextSpec,
)
from zoo_registry.errors import ZooError


class ModulatedGenerator(nn.Module, Generator):
    """One block per resolution of its maps, from 4x4 on; each adds to the image of the one before.

    Maps give images of twice their resolution by a sub-pixel convolution (arXiv:1609.05158): an image costs a
    quarter of what layers at its own resolution would.

    The first map is made of noise, as in DF-GAN (arXiv:2008.05865). A style made of noise and sentence scales
    the channels of every layer; where maps attend to the words, what they find scales and shifts every place.
    Images are not bounded.

    depth: how many resolutions; the largest image is 4 * 2 ** depth pixels wide.
    width: channels of maps up to `wide_until`.
    wide_until: resolution of the largest maps with `width` channels; each doubling after it halves them.
    noise_width: Z, of the noise. style_width: S, of the style.
    mapping_layers: how many, from noise and code to the style.
    attention_resolutions: those of the maps that attend to the words.
    """

    def __init__(
        self,
        text: TextSpec,
        condition: ConditionSpec,
        /,
        *,
        depth: Annotated[int, Field(ge=2)] = 4,
        width: PositiveInt = 128,
        wide_until: Annotated[int, Field(ge=4)] = 16,
        noise_width: PositiveInt = 64,
        style_width: PositiveInt = 128,
        mapping_layers: PositiveInt = 2,
        attention_resolutions: tuple[PositiveInt, ...] = (8, 16, 32),
    ) -> None:
        super().__init__()
        resolutions = tuple(4 << level for level in range(depth))  # of the maps
        unknown = sorted(set(attention_resolutions) - set(resolutions))
        if unknown:
            raise ZooError(
                f"generator.attention_resolutions: expected some of {list(resolutions)}, got {unknown}"
            )
        self.spec = GeneratorSpec(tuple(2 * at for at in resolutions), noise_width, growing=True)
        widths = {at: channels(at, width, wide_until) for at in resolutions}
        layers: list[nn.Module] = [
            EqualisedLinear(condition.width + noise_width, style_width, gain=HE),
            nn.LeakyReLU(0.2),
        ]
        for _ in range(mapping_layers - 1):
            layers += [EqualisedLinear(style_width, style_width, gain=HE), nn.LeakyReLU(0.2)]
        self.norm = PixelNorm()
        self.mapping = nn.Sequential(*layers)
        self.start = EqualisedSpread(noise_width, widths[4], gain=HE)
        self.first = ModulatedConv(widths[4], widths[4], style_width)
        self.doubling = nn.ModuleDict()  # by resolution, as are the others
        self.refining = nn.ModuleDict()
        self.attention = nn.ModuleDict()
        self.to_image = nn.ModuleDict({"4": ToImage(widths[4], style_width)})
        for at in resolutions[1:]:
            self.doubling[str(at)] = ModulatedConv(widths[at // 2], widths[at], style_width, doubling=True)
            self.refining[str(at)] = ModulatedConv(widths[at], widths[at], style_width)
            self.to_image[str(at)] = ToImage(widths[at], style_width)
            if at in attention_resolutions:
                self.attention[str(at)] = WordModulation(text.width, widths[at])

    @staticmethod
    def largest_resolution(settings: Any, /) -> int:
        """By the setting `depth`."""
        depth: int = settings.depth
        return 4 << depth

    def forward(self, noise: Tensor, condition: Condition, text: Text, growth: Growth) -> Generated:
        """`noise` is [B,Z]; the text must have words. One image, of the growth's resolution."""
        style = self.mapping(torch.cat([self.norm(condition.code), self.norm(noise)], dim=1))  # [B,S]
        hidden = self.first(F.leaky_relu(self.start(noise), 0.2), style)
        image = self.to_image["4"](hidden, style)
        coarse, maps = image, []
        for name in self.doubling:
            at = int(name)
            if 2 * at > growth.resolution:
                break
            hidden = self.doubling[str(at)](hidden, style)
            if str(at) in self.attention:
                hidden, attention = self.attention[str(at)](hidden, text)
                maps.append(attention)
            hidden = self.refining[str(at)](hidden, style)
            coarse = _doubled(image)
            image = coarse + self.to_image[str(at)](hidden, style)
        if growth.alpha < 1:
            image = torch.lerp(coarse, image, growth.alpha)
        return Generated((image,), tuple(maps))


class ModulatedConv(nn.Module):
    """A 3x3 convolution whose input channels are scaled by the style, and whose output's spread is restored.

    The kernel is the same for the whole batch: scaling the maps before and after it gives what StyleGAN2's
    equations 1 and 3 give by one kernel per image. A bias and a leaky rectifier follow.
    """

    def __init__(
        self, in_channels: int, out_channels: int, style_width: int, *, doubling: bool = False
    ) -> None:
        super().__init__()
        self.style = EqualisedLinear(style_width, in_channels)
        nn.init.ones_(self.style.bias)
        layer = DoublingConv if doubling else conv3x3
        self.conv = layer(in_channels, out_channels)
        nn.init.normal_(self.conv.weight)  # the restored spread makes it an equalised layer
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, hidden: Tensor, style: Tensor) -> Tensor:
        """[B,C,h,w] and [B,S] to [B,C',h,w]; doubling, to [B,C',2h,2w]."""
        scale = self.style(style)  # [B,C]
        power = self.conv.weight.square().sum((2, 3))  # [C',C]
        restore = HE * (scale.float().square() @ power.T + 1e-8).rsqrt()  # [B,C']
        out = self.conv(hidden * scale[:, :, None, None])
        bias = self.bias[:, None, None].to(out.dtype)  # under autocast float32 would spread to all later maps
        out = torch.addcmul(bias, out, restore[:, :, None, None].to(out.dtype))
        return F.leaky_relu(out, 0.2)


class WordModulation(nn.Module):
    """What each place finds by attending to the words scales and shifts its channels."""

    def __init__(self, text_width: int, channels: int) -> None:
        super().__init__()
        self.length = math.sqrt(text_width)
        self.project = EqualisedLinear(text_width, channels)
        self.query = EqualisedConv2d(channels, channels, 1)
        self.modulate = EqualisedConv2d(channels, 2 * channels, 1)
        self.scale = 1 / math.sqrt(channels)

    def forward(self, hidden: Tensor, text: Text) -> tuple[Tensor, Tensor]:
        """The modulated map [B,C,h,w] and the attention [B,L,h,w], softmax over L."""
        assert text.words is not None
        assert text.mask is not None
        words = self.length * F.normalize(text.words, dim=2)  # [B,L,D]
        context, attention = attended(
            self.scale * self.query(hidden), self.project(words), text.mask.unsqueeze(1)
        )
        gain, shift = self.modulate(context).chunk(2, dim=1)
        return hidden * (1 + 0.5 * gain) + 0.5 * shift, attention


class ToImage(nn.Module):
    """A sub-pixel convolution to RGB whose input channels are scaled by the style.

    Its start: arXiv:1707.02937, section 3.
    """

    def __init__(self, in_channels: int, style_width: int) -> None:
        super().__init__()
        self.style = EqualisedLinear(style_width, in_channels)
        nn.init.ones_(self.style.bias)
        self.conv = EqualisedConv2d(in_channels, 3 * 4, 3, padding=1)
        with torch.no_grad():  # the four pixels of a place start alike, so no raster has to be unlearnt
            self.conv.weight.copy_(self.conv.weight[::4].repeat_interleave(4, 0))

    def forward(self, hidden: Tensor, style: Tensor) -> Tensor:
        """[B,C,h,w] to [B,3,2h,2w]."""
        return F.pixel_shuffle(self.conv(hidden * self.style(style)[:, :, None, None].to(hidden.dtype)), 2)


def _doubled(image: Tensor) -> Tensor:
    return F.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)
