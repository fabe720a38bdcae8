"""What the discriminators of a DCGAN share: GAN-CLS (arXiv:1605.05396), section 4.1.

Letters as in zoo_registry.contracts; also F base channels, K channels of the last map.
"""

from __future__ import annotations

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_plugins.blocks import (
    Norm,
    convolution,
    initialise_normal,
    judged_resolutions,
    leaky,
    normalise_spectrally,
)
from zoo_registry.contracts import Discriminator, GeneratorSpec, Growth, TextSpec


class StridedConvolutions(nn.Module, Discriminator):
    """Strided convolutions bring the largest image to [B,K,4,4]; the sentence, projected, joins it there.

    base_channels: F, channels after the first convolution; each halving of the resolution doubles them.
    text_width: of the projected sentence.
    unconditional: whether there is a head that ignores the sentence, which Reed's network does not have;
        always, where there is no text.
    joint: the paper's 1x1 convolution over image and sentence before the last 4x4 one. Without, as in the
        PyTorch port of GAN-CLS, the score of a pair is a sum: nothing tells which image goes with which
        sentence, only what is a likely image and a likely sentence.
    norm: of the layers: "batch", "spectral" (arXiv:1802.05957) or "none".
    """

    def __init__(
        self,
        text: TextSpec,
        generator: GeneratorSpec,
        /,
        *,
        base_channels: PositiveInt = 64,
        text_width: PositiveInt = 128,
        unconditional: bool = False,
        joint: bool = True,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        (resolution,) = judged_resolutions(generator, "dcgan", "largest")
        self.unconditional = unconditional or text.width == 0
        downsamplings = (resolution // 4).bit_length() - 1
        out_channels = base_channels << (downsamplings - 1)
        self.trunk = nn.Sequential(
            nn.Sequential(convolution(3, base_channels, 4, norm, stride=2), nn.LeakyReLU(0.2)),
            *(
                leaky(convolution(base_channels << i, base_channels << (i + 1), 4, norm, stride=2), norm)
                for i in range(downsamplings - 1)
            ),
        )
        self.heads = nn.ModuleDict()
        if text.width:
            self.heads["conditional"] = ConditionalHead(text.width, out_channels, text_width, joint, norm)
        if self.unconditional:
            self.heads["unconditional"] = nn.Conv2d(out_channels, 1, 4, bias=False)
        self.apply(initialise_normal)
        if norm == "spectral":
            normalise_spectrally(self)

    def features(self, images: tuple[Tensor, ...], growth: Growth) -> tuple[Tensor, ...]:
        """[B,K,4,4] of the largest image. Does not grow: `growth` is ignored."""
        return (self.trunk(images[-1]),)

    def score(self, features: tuple[Tensor, ...], sentence: Tensor | None) -> tuple[Tensor, ...]:
        """Logits [B] of the largest image; `sentence` is [B,D], None for the unconditional head."""
        (feature,) = features
        if sentence is None:
            logits = self.heads["unconditional"](feature)  # [B,1,1,1]
        else:
            logits = self.heads["conditional"](feature, sentence)
        return (logits.flatten(),)


class ConditionalHead(nn.Module):
    """Scores an image with its sentence."""

    def __init__(self, text_width: int, channels: int, projected: int, joint: bool, norm: Norm) -> None:
        super().__init__()
        self.project = nn.Sequential(
            nn.Linear(text_width, projected),
            *((nn.BatchNorm1d(projected),) if norm == "batch" else ()),
            nn.LeakyReLU(0.2),
        )
        out_channels = channels + projected
        self.joint = leaky(convolution(out_channels, channels, 1, norm), norm) if joint else None
        self.logits = nn.Conv2d(channels if joint else out_channels, 1, 4, bias=False)

    def forward(self, feature: Tensor, sentence: Tensor) -> Tensor:
        """[B,K,4,4] and [B,D] to [B,1,1,1]."""
        everywhere = self.project(sentence)[:, :, None, None].expand(-1, -1, 4, 4)
        pair = torch.cat([feature, everywhere], dim=1)  # [B,K+text_width,4,4]
        logits: Tensor = self.logits(pair if self.joint is None else self.joint(pair))
        return logits
