"""Growing generator that attends to words: ProGAN's blocks, AttnGAN's attention between them.

ProGAN (arXiv:1710.10196), sections 2 and 4; AttnGAN (arXiv:1711.10485), section 3.1, equation 2. Letters as
in zoo_registry.contracts; also C channels at a resolution, h = w that resolution.
"""

from __future__ import annotations

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from zoo_plugins.attention import attended
from zoo_plugins.equalised import HE, EqualisedLinear, channels
from zoo_registry.contracts import Condition, ConditionSpec, Generated, Growth, Text, TextSpec
from zoo_registry.errors import ZooError

from .growing import GrowingGenerator, doubling_block


class ProgressiveAttentionGenerator(GrowingGenerator):
    """`progressive`, whose maps of some resolutions attend to the words before they are doubled.

    attention_resolutions: of those maps, each smaller than the largest resolution; not set: the three
        largest of those. A resolution that has not grown yet attends to nothing, and its attention is not
        generated.
    """

    def __init__(
        self,
        text: TextSpec,
        condition: ConditionSpec,
        /,
        *,
        attention_resolutions: tuple[PositiveInt, ...] | None = None,
        depth: PositiveInt = 7,
        width: PositiveInt = 512,
        wide_until: Annotated[int, Field(ge=4)] = 32,
        latent_width: PositiveInt | None = None,
        normalise_latent: bool = True,
        gain: PositiveFloat = HE,
    ) -> None:
        super().__init__(
            condition,
            depth=depth,
            width=width,
            wide_until=wide_until,
            latent_width=latent_width,
            normalise_latent=normalise_latent,
            gain=gain,
        )
        doubled_resolutions = self.spec.resolutions[:-1]
        attending = set(doubled_resolutions[-3:] if attention_resolutions is None else attention_resolutions)
        if not attending or not attending <= set(doubled_resolutions):
            raise ZooError(
                f"generator.attention_resolutions: expected some of {list(doubled_resolutions)}, those that "
                f"depth {depth} doubles, got {sorted(attending)}"
            )
        self.attention = nn.ModuleDict()  # by resolution
        for resolution in sorted(attending):
            width_here = channels(resolution, width, wide_until)
            self.attention[str(resolution)] = EqualisedWordAttention(text.width, width_here)
            doubled = channels(2 * resolution, width, wide_until)
            self.blocks[str(2 * resolution)] = doubling_block(2 * width_here, doubled, gain)

    def forward(self, noise: Tensor, condition: Condition, text: Text, growth: Growth) -> Generated:
        """`noise` is [B,Z]; the text must have words. One image, of the growth's resolution."""
        hidden = coarse = self.normalise(torch.cat([condition.code, noise], dim=1))  # [B,latent]
        maps = []
        for resolution in self.spec.resolutions[: self.spec.resolutions.index(growth.resolution) + 1]:
            coarse, attended_map = hidden, hidden
            if str(resolution // 2) in self.attention:
                context, attention = self.attention[str(resolution // 2)](hidden, text)
                attended_map = torch.cat([hidden, context], dim=1)  # [B,C,h/2,w/2] twice -> [B,2C,h/2,w/2]
                maps.append(attention)
            hidden = self.blocks[str(resolution)](attended_map)  # [B,C,h,w]
        return Generated((self.faded(coarse, hidden, growth),), tuple(maps))


class EqualisedWordAttention(nn.Module):
    """Each place of the image attends to the words, whatever their length as vectors.

    Words are brought to a mean square of 1 and projected by an equalised layer, as all else in a growing
    network is; scores of such vectors are divided by sqrt(C) (arXiv:1706.03762, section 3.2.1).
    """

    def __init__(self, text_width: int, channels: int) -> None:
        super().__init__()
        self.length = math.sqrt(text_width)
        self.project = EqualisedLinear(text_width, channels)
        self.scale = 1 / math.sqrt(channels)

    def forward(self, hidden: Tensor, text: Text) -> tuple[Tensor, Tensor]:
        """A word-context [B,C,h,w] and the attention [B,L,h,w], softmax over L."""
        assert text.words is not None
        assert text.mask is not None
        words = self.length * F.normalize(text.words, dim=2)  # [B,L,D]; padding stays 0, also in ONNX
        return attended(self.scale * hidden, self.project(words), text.mask.unsqueeze(1))
