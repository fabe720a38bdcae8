"""Matching-aware discriminator as Reed's own code has it (arXiv:1605.05396): with a residual block at 4x4.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from typing import cast

from pydantic import PositiveInt
from torch import nn

from zoo_plugins.blocks import Bottleneck, Norm, initialise_normal, normalise_spectrally
from zoo_registry.contracts import GeneratorSpec, TextSpec

from .strided import StridedConvolutions


class DCGANResidual(StridedConvolutions):
    """`dcgan` with a bottleneck before the rectifier of its last halving. The paper does not mention it.

    The authors' convolutions have biases that are set to zero before every step; here they have none where
    there is batch norm.
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
        norm: Norm = "batch",
    ) -> None:
        super().__init__(
            text,
            generator,
            base_channels=base_channels,
            text_width=text_width,
            unconditional=unconditional,
            norm=norm,
        )
        last = cast("nn.Sequential", self.trunk[-1])
        bottleneck = Bottleneck(cast("nn.Conv2d", last[0]).out_channels, nn.LeakyReLU(0.2), norm)
        bottleneck.apply(initialise_normal)
        if norm == "spectral":
            normalise_spectrally(bottleneck)
        last.insert(len(last) - 1, bottleneck)
