"""Generator with a dynamic memory: DM-GAN (arXiv:1904.01310), section 3.

Letters as in zoo_registry.contracts; also K base channels, h = w a stage's resolution, Q = h * w queries.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import AfterValidator, NonNegativeInt, PositiveInt
from torch import Tensor, nn

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


class MemoryStages(nn.Module, Generator):
    """Stages of doubling resolutions: the first starts from noise and code, the later ones read a memory.

    The memory is written anew at each stage: how much of a word goes in depends on the image so far.

    resolutions: of the stages' images, small to large; the first a power of two from 8, each twice the one
    before.
    base_channels: K, channels at every stage's resolution. residual_blocks: how many in each later stage.
    noise_width: Z, of the noise.
    mask_layout: "right" keeps each caption's padding out of its own addressing. "attngan" repeats a bug of
        AttnGAN's code that the authors' has too, and that the published weights were trained with: one
        caption gives different images in different batches. The two agree for one caption and for equal
        lengths; `AttentionStages` tells the details.
    """

    def __init__(
        self,
        text: TextSpec,
        condition: ConditionSpec,
        /,
        *,
        resolutions: Annotated[tuple[PositiveInt, ...], AfterValidator(doubling)] = (64, 128, 256),
        base_channels: PositiveInt = 64,
        residual_blocks: NonNegativeInt = 2,
        noise_width: PositiveInt = 100,
        mask_layout: MaskLayout = "right",
    ) -> None:
        super().__init__()
        try:
            doubling(resolutions)
        except ValueError as error:
            raise ZooError(f"generator.resolutions: {error}, got {list(resolutions)}") from None
        self.spec = GeneratorSpec(resolutions, noise_width)
        self.first = FirstStage(condition.width + noise_width, resolutions[0], base_channels)
        self.later = nn.ModuleList(
            LaterStage(text.width, base_channels, residual_blocks, mask_layout) for _ in resolutions[1:]
        )
        self.to_image = nn.ModuleList(
            nn.Sequential(conv3x3(base_channels, 3), nn.Tanh()) for _ in resolutions
        )
        self.apply(initialise)

    def forward(self, noise: Tensor, condition: Condition, text: Text, growth: Growth) -> Generated:
        """`noise` is [B,Z]; the text must have words. Does not grow: `growth` is ignored."""
        hidden = self.first(torch.cat([condition.code, noise], dim=1))
        images, maps = [self.to_image[0](hidden)], []
        for stage, to_image in zip(self.later, self.to_image[1:], strict=True):
            hidden, attention = stage(hidden, text)
            images.append(to_image(hidden))
            maps.append(attention)
        return Generated(tuple(images), tuple(maps))


class LaterStage(nn.Module):
    """Refines the stage before by what its memory answers and doubles its resolution."""

    def __init__(self, text_width: int, channels: int, residual_blocks: int, mask_layout: MaskLayout) -> None:
        super().__init__()
        self.memory = Memory(text_width, channels)
        self.mask_layout: MaskLayout = mask_layout
        self.response_gate = nn.Conv2d(2 * channels, 1, 1)
        self.residual = nn.Sequential(*(Residual(2 * channels) for _ in range(residual_blocks)))
        self.up = Doubled(2 * channels, channels)

    # Section 3.3, gated response: g_i = sigmoid(W [o_i, r_i] + b),  r_i' = o_i g_i + r_i (1 - g_i)
    def forward(self, hidden: Tensor, text: Text) -> tuple[Tensor, Tensor]:
        """[B,K,h,w] to [B,K,2h,2w] and the attention [B,L,h,w]."""
        assert text.mask is not None
        keys, values = self.memory(hidden, text)
        answer, attention = read(hidden, keys, values, text.mask, self.mask_layout)
        gate = self.response_gate(torch.cat([hidden, answer], dim=1)).sigmoid()  # [B,1,h,w]
        updated = torch.lerp(hidden, answer, gate)
        # twice the same, as in the authors' code: AttnGAN's blocks expect image and word-context here
        return self.up(self.residual(torch.cat([updated, updated], dim=1))), attention


class Memory(nn.Module):
    """One slot per word, written from the word and the mean of the image, read as key and value."""

    def __init__(self, text_width: int, channels: int) -> None:
        super().__init__()
        self.word_gate = nn.Linear(text_width, 1, bias=False)  # A
        self.picture_gate = nn.Linear(channels, 1, bias=False)  # B
        self.from_word = nn.Linear(text_width, 2 * channels)  # M_w
        self.from_picture = nn.Linear(channels, 2 * channels)  # M_r
        self.key = nn.Linear(2 * channels, channels)
        self.value = nn.Linear(2 * channels, channels)

    # Section 3.2, gated memory writing: g_i = sigmoid(A w_i + B mean(r)),
    # m_i = M_w(w_i) g_i + M_r(mean(r)) (1 - g_i)
    def forward(self, hidden: Tensor, text: Text) -> tuple[Tensor, Tensor]:
        """Keys and values [B,L,K], for an image [B,K,h,w]."""
        assert text.words is not None
        mean = hidden.mean((2, 3)).detach().unsqueeze(1)  # [B,1,K]; cut off in the authors' code too
        gate = (self.word_gate(text.words) + self.picture_gate(mean)).sigmoid()  # [B,L,1]
        slots = torch.lerp(
            self.from_picture(mean).relu(), self.from_word(text.words).relu(), gate
        )  # [B,L,2K]
        return self.key(slots).relu(), self.value(slots).relu()


# Section 3.1, key addressing and value reading: alpha_ij = softmax over words i of key_i^T r_j,
# o_j = sum_i alpha_ij value_i
def read(
    hidden: Tensor, keys: Tensor, values: Tensor, mask: Tensor, mask_layout: MaskLayout
) -> tuple[Tensor, Tensor]:
    """What each place of the image [B,K,h,w] reads, [B,K,h,w], and its attention [B,L,h,w].

    keys, values: [B,L,K]. mask: [B,L], True where real.
    """
    height, width = hidden.shape[2:]
    queries = hidden.permute(0, 2, 3, 1).flatten(1, 2)  # [B,K,h,w] -> [B,Q,K], no copy in channels-last
    scores = queries @ keys.transpose(1, 2)  # [B,Q,K] @ [B,K,L] -> [B,Q,L]
    own = mask.unsqueeze(1)  # [B,1,L]
    if mask_layout == "attngan":
        own = mask.repeat(scores.shape[1], 1).view_as(scores)  # [Q*B,L] taken for [B*Q,L]
    attention = scores.masked_fill(~own, float("-inf")).softmax(dim=2)
    answer = attention @ values  # [B,Q,L] @ [B,L,K] -> [B,Q,K]
    places = [of_query.unflatten(1, (height, width)).permute(0, 3, 1, 2) for of_query in (answer, attention)]
    return places[0], places[1]
