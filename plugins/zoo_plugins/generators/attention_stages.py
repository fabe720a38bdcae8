"""Attentional generative network: AttnGAN (arXiv:1711.10485), section 3.1, equations 1 and 2.

Letters as in zoo_registry.contracts; also K base channels, h = w a stage's resolution, Q = h * w queries.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import AfterValidator, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from zoo_plugins.attention import attended
from zoo_plugins.blocks import conv3x3, initialise
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

from .stages import Doubled, FirstStage, MaskLayout, Residual, doubling


class AttentionStages(nn.Module, Generator):
    """Stages of doubling resolutions: the first starts from noise and code, the later ones attend to the
    words.

    resolutions: of the stages' images, small to large; the first a power of two from 8, each twice the one
    before.
    images: "all": a stage ends in its image. "largest": the last stage alone does, as in AttnDCGAN, and a
        discriminator judges nothing else.
    base_channels: K, channels at every stage's resolution. residual_blocks: how many in each later stage.
    noise_width: Z, of the noise.
    mask_layout: "right" keeps each caption's padding out of its own attention. "attngan" repeats a bug of
        the authors' code, with which the published weights were trained: scores are rows [batch, query] but
        the mask is repeated as [query, batch], so query q of caption b gets the mask of caption
        (b * Q + q) mod B, and one caption gives different images in different batches. The two agree for one
        caption and for equal lengths.
    """

    def __init__(
        self,
        text: TextSpec,
        condition: ConditionSpec,
        /,
        *,
        resolutions: Annotated[tuple[PositiveInt, ...], AfterValidator(doubling)] = (64, 128, 256),
        images: Literal["all", "largest"] = "all",
        base_channels: PositiveInt = 32,
        residual_blocks: NonNegativeInt = 2,
        noise_width: PositiveInt = 100,
        mask_layout: MaskLayout = "right",
    ) -> None:
        super().__init__()
        try:
            doubling(resolutions)
        except ValueError as error:
            raise ZooError(f"generator.resolutions: {error}, got {list(resolutions)}") from None
        with_image = resolutions if images == "all" else resolutions[-1:]
        self.spec = GeneratorSpec(with_image, noise_width)
        self.first = FirstStage(condition.width + noise_width, resolutions[0], base_channels)
        self.later = nn.ModuleList(
            LaterStage(text.width, base_channels, residual_blocks, mask_layout) for _ in resolutions[1:]
        )
        self.to_image = nn.ModuleList(nn.Sequential(conv3x3(base_channels, 3), nn.Tanh()) for _ in with_image)
        self.apply(initialise)

    def forward(self, noise: Tensor, condition: Condition, text: Text, growth: Growth) -> Generated:
        """`noise` is [B,Z]; the text must have words. Does not grow: `growth` is ignored."""
        hidden = self.first(torch.cat([condition.code, noise], dim=1))
        ends, maps = [hidden], []
        for stage in self.later:
            hidden, attention = stage(hidden, text)
            ends.append(hidden)
            maps.append(attention)
        images = [
            to_image(end) for to_image, end in zip(self.to_image, ends[-len(self.to_image) :], strict=True)
        ]
        return Generated(tuple(images), tuple(maps))


class LaterStage(nn.Module):
    """Refines the stage before by the words and doubles its resolution."""

    def __init__(self, text_width: int, channels: int, residual_blocks: int, mask_layout: MaskLayout) -> None:
        super().__init__()
        self.attention = WordAttention(text_width, channels, mask_layout)
        self.residual = nn.Sequential(*(Residual(2 * channels) for _ in range(residual_blocks)))
        self.up = Doubled(2 * channels, channels)

    def forward(self, hidden: Tensor, text: Text) -> tuple[Tensor, Tensor]:
        """[B,K,h,w] to [B,K,2h,2w] and the attention [B,L,h,w]."""
        context, attention = self.attention(hidden, text)
        return self.up(
            self.residual(torch.cat([hidden, context], dim=1))
        ), attention  # [B,K,h,w] twice -> [B,2K,h,w]


class WordAttention(nn.Module):
    """Each place of the image attends to the words."""

    def __init__(self, text_width: int, channels: int, mask_layout: MaskLayout) -> None:
        super().__init__()
        self.project = nn.Linear(text_width, channels, bias=False)
        self.mask_layout = mask_layout

    def forward(self, hidden: Tensor, text: Text) -> tuple[Tensor, Tensor]:
        """A word-context [B,K,h,w] and the attention [B,L,h,w], softmax over L."""
        assert text.words is not None
        assert text.mask is not None
        words = self.project(text.words)  # [B,L,D] -> [B,L,K]
        mask = text.mask.unsqueeze(1)  # [B,1,L]
        if self.mask_layout == "attngan":
            batch, _, height, width = hidden.shape
            count = height * width
            mask = text.mask.repeat(count, 1).view(batch, count, -1)  # [Q*B,L] taken for [B*Q,L]
        return attended(hidden, words, mask)
