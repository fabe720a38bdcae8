"""Text-conditional DCGAN as Reed's own code has it (arXiv:1605.05396): with residual blocks at 4x4 and 8x8.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from typing import Annotated, cast

from pydantic import AfterValidator, PositiveInt
from torch import nn

from zoo_plugins.blocks import Bottleneck, initialise_normal, power_of_two
from zoo_registry.contracts import ConditionSpec

from .transposed import TransposedConvolutions


class DCGANResidual(TransposedConvolutions):
    """`dcgan` with a bottleneck before the rectifier of its first two blocks. The paper names none.

    The authors' convolutions have biases that are set to zero before every step; here they have none.

    resolution: R of the image, a power of two from 8. base_channels: channels at half of that resolution.
    noise_width: Z, of the noise.
    """

    def __init__(
        self,
        condition: ConditionSpec,
        /,
        *,
        resolution: Annotated[PositiveInt, AfterValidator(power_of_two)] = 64,
        base_channels: PositiveInt = 128,
        noise_width: PositiveInt = 100,
    ) -> None:
        super().__init__(
            condition, resolution=resolution, base_channels=base_channels, noise_width=noise_width
        )
        for block in self.blocks[:2]:
            layer = cast("nn.Sequential", block)
            channels = cast("nn.ConvTranspose2d", layer[0]).out_channels
            layer.insert(2, Bottleneck(channels, nn.ReLU()))
        self.apply(initialise_normal)
