"""The networks of AttnGAN (arXiv:1711.10485), written as plainly as its authors' script has them.

Shape letters as in zoo_registry.contracts; also K base channels, Q = h * w queries.
Parameters and buffers stand in the order of the zoo's parts, so that weights are copied one by one.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Gate(nn.Module):
    """Half of the channels, gated by the other half."""

    def forward(self, x: Tensor) -> Tensor:
        values, gates = x.chunk(2, dim=1)
        return values * torch.sigmoid(gates)


def conv3x3(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)


def up(out_channels: int, in_channels: int) -> nn.Sequential:
    """[B,wide,h,w] to [B,narrow,2h,2w]."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        conv3x3(out_channels, 2 * in_channels),
        nn.BatchNorm2d(2 * in_channels),
        Gate(),
    )


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            conv3x3(channels, 2 * channels),
            nn.BatchNorm2d(2 * channels),
            Gate(),
            conv3x3(channels, channels),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x)


class FirstStage(nn.Module):
    def __init__(self, width: int, resolution: int, channels: int) -> None:
        super().__init__()
        doublings = (resolution // 4).bit_length() - 1
        self.out_channels = channels << doublings
        self.fc = nn.Sequential(
            nn.Linear(width, 32 * self.out_channels, bias=False),
            nn.BatchNorm1d(32 * self.out_channels),
            Gate(),
        )
        self.ups = nn.ModuleList(
            up(self.out_channels >> i, self.out_channels >> (i + 1)) for i in range(doublings)
        )

    def forward(self, code: Tensor) -> Tensor:
        x = self.fc(code).view(-1, self.out_channels, 4, 4)
        for block in self.ups:
            x = block(x)
        return x


class Attention(nn.Module):
    """Scores as rows [B*Q,L], the mask repeated for each query."""

    def __init__(self, text_width: int, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(text_width, channels, 1, bias=False)

    def forward(self, hidden: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        batch, _, height, width = hidden.shape
        queries, length = height * width, words.shape[2]
        targets = hidden.view(batch, -1, queries).transpose(1, 2).contiguous()  # [B,Q,K]
        sources = self.project(words.unsqueeze(3)).squeeze(3)  # [B,D,L] -> [B,K,L]
        scores = torch.bmm(targets, sources).view(batch * queries, length)
        padding = ~mask.unsqueeze(1).repeat(1, queries, 1).view(batch * queries, length)
        weights = F.softmax(scores.masked_fill(padding, float("-inf")), dim=1)
        weights = weights.view(batch, queries, length).transpose(1, 2).contiguous()  # [B,L,Q]
        return torch.bmm(sources, weights).view_as(hidden)


class LaterStage(nn.Module):
    def __init__(self, text_width: int, channels: int, residuals: int) -> None:
        super().__init__()
        self.attention = Attention(text_width, channels)
        self.residual = nn.Sequential(*(Residual(2 * channels) for _ in range(residuals)))
        self.up = up(2 * channels, channels)

    def forward(self, hidden: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        context = self.attention(hidden, words, mask)
        return self.up(self.residual(torch.cat((hidden, context), dim=1)))


class Generator(nn.Module):
    """Conditioning augmentation and all stages, in the sizes of a locked recipe."""

    def __init__(self, recipe: Mapping[str, Any]) -> None:
        super().__init__()
        shape, text_width = recipe["generator"], recipe["text_encoder"]["width"]
        code_width, noise_width = recipe["conditioning"]["width"], shape["noise_width"]
        resolutions, channels, residuals = (
            shape["resolutions"],
            shape["base_channels"],
            shape["residual_blocks"],
        )
        self.code = nn.Linear(text_width, 4 * code_width)
        self.gate = Gate()
        self.first = FirstStage(code_width + noise_width, resolutions[0], channels)
        self.later = nn.ModuleList(LaterStage(text_width, channels, residuals) for _ in resolutions[1:])
        self.to_image = nn.ModuleList(nn.Sequential(conv3x3(channels, 3), nn.Tanh()) for _ in resolutions)

    def forward(
        self, noise: Tensor, code_noise: Tensor, sentence: Tensor, words: Tensor, mask: Tensor
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        """Images [B,3,R,R], small to large, and the condition's mean and logvar; `words` is [B,D,L]."""
        mean, logvar = self.gate(self.code(sentence)).chunk(2, dim=1)
        code = code_noise.mul(torch.exp(0.5 * logvar)).add(mean)
        hidden = self.first(torch.cat((code, noise), dim=1))
        images = [self.to_image[0](hidden)]
        for stage, to_image in zip(self.later, self.to_image[1:], strict=True):
            hidden = stage(hidden, words, mask)
            images.append(to_image(hidden))
        return images, mean, logvar


class Discriminator(nn.Module):
    """One resolution's."""

    def __init__(self, text_width: int, resolution: int, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, channels, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
        width = channels
        while resolution > 8:
            resolution //= 2
            wider = min(2 * width, 32 * channels)
            layers += [nn.Conv2d(width, wider, 4, 2, 1, bias=False), nn.BatchNorm2d(wider), nn.LeakyReLU(0.2)]
            width = wider
        while width != 8 * channels:
            narrower = max(width // 2, 8 * channels)
            layers += [conv3x3(width, narrower), nn.BatchNorm2d(narrower), nn.LeakyReLU(0.2)]
            width = narrower
        self.trunk = nn.Sequential(*layers)
        self.joint = nn.Sequential(
            conv3x3(width + text_width, width), nn.BatchNorm2d(width), nn.LeakyReLU(0.2)
        )
        self.conditional = nn.Conv2d(width, 1, 4)
        self.alone = nn.Conv2d(width, 1, 4)

    def forward(self, images: Tensor) -> Tensor:
        return self.trunk(images)

    def judge(self, features: Tensor) -> Tensor:
        """Probability that the images are real."""
        return torch.sigmoid(self.alone(features)).view(-1)

    def judge_pair(self, features: Tensor, sentence: Tensor) -> Tensor:
        """Probability that the images are real and show the sentence."""
        sentence = sentence.view(len(sentence), -1, 1, 1).repeat(1, 1, 4, 4)
        return torch.sigmoid(self.conditional(self.joint(torch.cat((features, sentence), dim=1)))).view(-1)


class ImageEncoder(nn.Module):
    """Inception-v3, frozen: timm's module, which ours uses too; the projections are the script's."""

    def __init__(
        self, trunk: nn.Module, channels: Sequence[int], text_width: int, resolution: int, regions: int
    ) -> None:
        super().__init__()
        self.trunk = copy.deepcopy(trunk)
        self.region_projection = nn.Conv2d(channels[regions], text_width, 1, bias=False)
        self.vector_projection = nn.Linear(channels[-1], text_width)
        self.resolution, self.regions = resolution, regions
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Regions [B,D,h,w] and vectors [B,D]."""
        stages = self.trunk(
            F.interpolate(
                images, size=(self.resolution, self.resolution), mode="bilinear", align_corners=False
            )
        )
        return (
            self.region_projection(stages[self.regions]),
            self.vector_projection(F.adaptive_avg_pool2d(stages[-1], 1).flatten(1)),
        )


def copy_weights(ours: Sequence[nn.Module], plain: Sequence[nn.Module]) -> None:
    """All tensors of ours into the plain modules, in order; a 1x1 convolution takes a linear layer's."""
    sources = [tensor for module in ours for tensor in module.state_dict().values()]
    targets = [tensor for module in plain for tensor in module.state_dict().values()]
    for source, target in zip(sources, targets, strict=True):
        target.copy_(source.view_as(target))
