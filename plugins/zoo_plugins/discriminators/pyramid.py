"""One discriminator per resolution: AttnGAN (arXiv:1711.10485), section 3.1; StackGAN++ (arXiv:1710.10916).

Letters as in zoo_registry.contracts; also F base channels.
"""

from __future__ import annotations

from typing import Literal, cast

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_plugins.blocks import Norm, convolution, initialise, judged_resolutions, leaky, normalise_spectrally
from zoo_registry.contracts import Discriminator, GeneratorSpec, Growth, TextSpec


class Pyramid(nn.Module, Discriminator):
    """One network per resolution brings its image to [B,8F,4,4]; heads score that alone and with the
    sentence.

    base_channels: F, channels after the first convolution.
    unconditional: whether there is a head that ignores the sentence; always, where there is no text.
    norm: of the layers: "batch"; "spectral" (arXiv:1802.05957), which with biases in the place of batch norms
        makes AttnGAN into AttnGAN++ (arXiv:2112.01398); "none".
    judges: which images of the generator: "all", or the "largest" alone.
    """

    def __init__(
        self,
        text: TextSpec,
        generator: GeneratorSpec,
        /,
        *,
        base_channels: PositiveInt = 64,
        unconditional: bool = True,
        norm: Norm = "batch",
        judges: Literal["all", "largest"] = "all",
    ) -> None:
        super().__init__()
        resolutions = judged_resolutions(generator, "pyramid", judges)
        self.unconditional = unconditional or text.width == 0
        # by resolution, so that one resolution's weights have one name, whatever the other resolutions
        self.networks = nn.ModuleDict(
            {
                str(resolution): ResolutionNetwork(
                    text.width, resolution, base_channels, self.unconditional, norm
                )
                for resolution in resolutions
            }
        )
        self.apply(initialise)
        if norm == "spectral":  # all but the heads' last convolutions, as in AttnGAN++
            for network in self._each():
                normalise_spectrally(network.trunk)
                if network.joint is not None:
                    normalise_spectrally(network.joint)

    def features(self, images: tuple[Tensor, ...], growth: Growth) -> tuple[Tensor, ...]:
        """[B,8F,4,4] per judged resolution. Does not grow: `growth` is ignored."""
        networks = self._each()
        return tuple(
            network.trunk(image) for network, image in zip(networks, images[-len(networks) :], strict=True)
        )

    def score(self, features: tuple[Tensor, ...], sentence: Tensor | None) -> tuple[Tensor, ...]:
        """Logits [B] per judged resolution; `sentence` is [B,D], None for the unconditional head."""
        return tuple(
            network.score(feature, sentence) for network, feature in zip(self._each(), features, strict=True)
        )

    def _each(self) -> list[ResolutionNetwork]:
        return cast("list[ResolutionNetwork]", list(self.networks.values()))


class ResolutionNetwork(nn.Module):
    """Trunk and heads for one resolution."""

    def __init__(
        self, text_width: int, resolution: int, channels: int, unconditional: bool, norm: Norm
    ) -> None:
        super().__init__()
        out_channels = 8 * channels
        self.trunk = _trunk(resolution, channels, norm)
        self.joint = (
            leaky(convolution(out_channels + text_width, out_channels, 3, norm), norm) if text_width else None
        )
        self.conditional = nn.Conv2d(out_channels, 1, 4) if text_width else None
        self.unconditional = nn.Conv2d(out_channels, 1, 4) if unconditional else None

    def score(self, feature: Tensor, sentence: Tensor | None) -> Tensor:
        """Logits [B] of features [B,8F,4,4]."""
        if sentence is None:
            assert self.unconditional is not None
            logits: Tensor = self.unconditional(feature)  # [B,1,1,1]
        else:
            assert self.joint is not None
            assert self.conditional is not None
            everywhere = sentence[:, :, None, None].expand(-1, -1, 4, 4)  # [B,D] -> [B,D,4,4]
            logits = self.conditional(self.joint(torch.cat([feature, everywhere], dim=1)))  # [B,1,1,1]
        return logits.flatten()


def _trunk(resolution: int, channels: int, norm: Norm) -> nn.Sequential:
    """[B,3,R,R] to [B,8F,4,4]: strided layers double the channels up to 32F, 3x3 blocks bring them to 8F."""
    blocks = [nn.Sequential(convolution(3, channels, 4, norm, stride=2), nn.LeakyReLU(0.2))]
    width = 1  # channels / F
    while resolution > 8:
        resolution, in_channels, width = resolution // 2, width, min(2 * width, 32)
        blocks.append(leaky(convolution(in_channels * channels, width * channels, 4, norm, stride=2), norm))
    while width != 8:
        in_channels, width = width, max(width // 2, 8)
        blocks.append(leaky(convolution(in_channels * channels, width * channels, 3, norm), norm))
    return nn.Sequential(*blocks)
