"""An augmentation: every other image in its mirror. B images, R their resolution."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from zoo_registry.contracts import Augmentation


class Mirrored(nn.Module, Augmentation):
    """Real and generated images mirrored, each by chance, before the discriminator sees them.

    Not for captions that tell left from right.

    share: of the images that are mirrored.
    """

    def __init__(self, *, share: Annotated[float, Field(ge=0, le=1)] = 0.5) -> None:
        super().__init__()
        self.share = share

    def forward(self, images: Tensor, source: torch.Generator) -> Tensor:
        """`images` is [B,3,R,R]; one random number per image from `source`, which is on the CPU."""
        chosen = torch.rand(len(images), generator=source) < self.share  # [B]
        return torch.where(chosen.to(images.device)[:, None, None, None], images.flip(3), images)
