"""Discriminator in a pretrained network's feature space: Projected GAN (arXiv:2111.01007), section 3.

The sentence comes in by a projection a head, as in StyleGAN-T (arXiv:2301.09515), section 3.2.
Letters as in zoo_registry.contracts; also W width, (h, w) the grid of a depth.
"""

from __future__ import annotations

import math
from typing import Annotated, cast

import torch
import torch.nn.functional as F
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from zoo_plugins.blocks import convolution, leaky, normalise_spectrally
from zoo_plugins.timm_stages import maps, published_settings, stages_of
from zoo_registry.contracts import Discriminator, Growth, TextSpec
from zoo_registry.errors import ZooError


class Projected(nn.Module, Discriminator):
    """Small heads judge what a frozen network sees at several depths: one logit a depth.

    The network never learns, nor do the random convolutions that mix its channels and depths; the heads do.
    It judges the largest image that it is handed, of any resolution, so generators may grow.

    model: any timm model that has its stages ("features_only"); transformers too.
    pretrained: take the model's published weights, or those in a file, .safetensors or .pth, under timm's
        names. Where they cannot be fetched, a UserWarning tells so and the network stays random. False
        fetches nothing: right where the recipe's `weights` hold it.
    depths: which of the model's stages, as list indices, shallow to deep.
    resolution: images are resized to it (bilinear, align_corners=False); None: the model's own.
    width: W, channels of the mixed features and of the heads.

    Unlike in Projected GAN, a head's logits over its 4x4 grid are averaged before the loss sees them. In a
    recipe without text there is no projection.
    """

    def __init__(
        self,
        text: TextSpec,
        /,
        *,
        model: str = "tf_efficientnet_lite1",
        pretrained: bool | str = True,
        depths: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)] = (1, 2, 3, 4),
        resolution: PositiveInt | None = None,
        width: PositiveInt = 64,
    ) -> None:
        super().__init__()
        self.unconditional = text.width == 0
        remedy = "heads on random features judge little: go online once"
        try:
            self.network = stages_of(model, pretrained, "discriminator", remedy, depths).requires_grad_(False)
        except (IndexError, AssertionError):
            last = max(stages_of(model, False, "discriminator", remedy).feature_info.out_indices)
            raise ZooError(
                f"discriminator.depths: {list(depths)}, but the stages of {model} are 0 to {last}"
            ) from None
        for layer in self.network.modules():
            if hasattr(layer, "fused_attn"):  # fused attention cannot be differentiated twice
                layer.fused_attn = False
        published = published_settings(model)
        self.resolution = resolution or published.input_size[-1]
        # [-1, 1] to the model's own range: ((x + 1) / 2 - mean) / std
        mean, std = torch.tensor(published.mean), torch.tensor(published.std)
        self.register_buffer("scale", (0.5 / std).view(3, 1, 1), persistent=False)
        self.register_buffer("shift", ((0.5 - mean) / std).view(3, 1, 1), persistent=False)
        self.scale: Tensor
        self.shift: Tensor
        self.network.eval()
        with torch.no_grad():
            maps = self._maps(torch.zeros(1, 3, self.resolution, self.resolution))
        self.mixing = Mixing([depth.shape[1] for depth in maps], width).requires_grad_(False)
        self.heads = nn.ModuleList(Head(text.width, width, min(depth.shape[2:])) for depth in maps)

    def train(self, mode: bool = True) -> Projected:
        """All but the frozen network, which stays in eval mode."""
        super().train(mode)
        self.network.eval()
        return self

    def features(self, images: tuple[Tensor, ...], growth: Growth) -> tuple[Tensor, ...]:
        """Of the largest image one [B,W,h,w] per depth, (h, w) about 4x4. `growth` is ignored."""
        mixed = self.mixing(self._maps(images[-1]))
        return tuple(head.trunk(depth) for head, depth in zip(self._heads(), mixed, strict=True))

    def score(self, features: tuple[Tensor, ...], sentence: Tensor | None) -> tuple[Tensor, ...]:
        """Logits [B] a depth; `sentence` is [B,D], None in a recipe without text."""
        return tuple(head.score(depth, sentence) for head, depth in zip(self._heads(), features, strict=True))

    def _heads(self) -> list[Head]:
        return cast("list[Head]", list(self.heads))

    def _maps(self, images: Tensor) -> list[Tensor]:
        """What the network gives at each depth, [B,K,h,w] of its own K."""
        sized = F.interpolate(
            images, size=(self.resolution, self.resolution), mode="bilinear", align_corners=False
        )
        return maps(self.network, sized * self.scale + self.shift)


class Mixing(nn.Module):
    """Random convolutions that mix channels, and depths from the deepest up: section 3.2, random projections.

    Without them heads attend to a part of the features alone, above all at the deeper depths.
    """

    def __init__(self, channels: list[int], width: int) -> None:
        super().__init__()
        self.across_channels = nn.ModuleList(nn.Conv2d(in_channels, width, 1) for in_channels in channels)
        self.across_depths = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in channels)
        for layer in (*self.across_channels, *self.across_depths):
            nn.init.kaiming_normal_(cast("nn.Conv2d", layer).weight)

    def forward(self, depths: list[Tensor]) -> list[Tensor]:
        """[B,K,h,w] a depth to [B,W,h,w], in the same order."""
        mixed: list[Tensor] = []
        for depth, channels, deeper in reversed(
            list(zip(depths, self.across_channels, self.across_depths, strict=True))
        ):
            here = channels(depth)
            if mixed:
                here = here + F.interpolate(
                    mixed[0], size=here.shape[2:], mode="bilinear", align_corners=False
                )
            mixed.insert(0, deeper(here))
        return mixed


class Head(nn.Module):
    """Halvings of a depth's features to about 4x4, a logit of them alone and a projection of the sentence."""

    def __init__(self, text_width: int, width: int, resolution: int) -> None:
        super().__init__()
        downsamplings = max(0, (resolution // 4).bit_length() - 1)
        self.trunk = nn.Sequential(
            leaky(convolution(width, width, 3, "spectral"), "spectral"),
            *(
                leaky(convolution(width, width, 4, "spectral", stride=2), "spectral")
                for _ in range(downsamplings)
            ),
        )
        normalise_spectrally(self.trunk)
        self.alone = nn.Conv2d(width, 1, 1)
        self.sentence = nn.Linear(text_width, width, bias=False) if text_width else None

    # Projection discriminator (arXiv:1802.05637): psi(phi(x)) + phi(x)^T V y, at each place, averaged
    def score(self, feature: Tensor, sentence: Tensor | None) -> Tensor:
        """Logits [B] of features [B,W,h,w]."""
        logits: Tensor = self.alone(feature).mean((1, 2, 3))  # [B,1,h,w] -> [B]
        if sentence is not None and self.sentence is not None:
            match = (feature.mean((2, 3)) * self.sentence(sentence)).sum(1)  # [B,W] -> [B]
            logits = logits + match / math.sqrt(feature.shape[1])
        return logits
