"""Differentiable augmentation: DiffAugment (arXiv:2006.10738), section 3.2, with its strengths.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo_registry.contracts import Augmentation


class DiffAugment(nn.Module, Augmentation):
    """Every image, real or generated, gets a colour shift, a translation and a hole of its own.

    policy: which changes; they are done in the paper's order.
        "colour": brightness -0.5 to 0.5 added; saturation times 0 to 2; contrast times 0.5 to 1.5.
        "translation": by whole pixels, up to an eighth of the width each way; 0 (mid-grey) comes in.
        "cutout": a square of half the width, its centre anywhere, becomes 0.

    A caption that names colours fits a recoloured image less well; without "colour" it always does.
    The answer may leave [-1, 1], since nothing is clipped.
    """

    def __init__(
        self,
        *,
        policy: tuple[Literal["colour", "translation", "cutout"], ...] = ("colour", "translation", "cutout"),
    ) -> None:
        super().__init__()
        self.policy = policy

    def forward(self, images: Tensor, source: torch.Generator) -> Tensor:
        """`images` is [B,3,R,R] in [-1, 1]; always takes seven numbers per image from `source`."""
        samples = torch.rand(len(images), 7, generator=source).to(images.device)
        if "colour" in self.policy:
            images = _coloured(images, *samples[:, 0:3].T)
        if "translation" in self.policy:
            images = _moved(images, *samples[:, 3:5].T)
        if "cutout" in self.policy:
            images = images * _outside_hole(images.shape[-1], *samples[:, 5:7].T).to(images.dtype)
        return images


def _coloured(images: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor) -> Tensor:
    """The three samples [B] are uniform in [0, 1)."""
    brightness, saturation, contrast = (d[:, None, None, None] for d in (brightness, saturation, contrast))
    images = images + (brightness - 0.5)
    grey = images.mean(1, keepdim=True)  # [B,1,R,R]
    images = grey + (images - grey) * (2 * saturation)
    level = images.mean((1, 2, 3), keepdim=True)  # [B,1,1,1]
    return level + (images - level) * (contrast + 0.5)


def _moved(images: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Shifted by whole pixels, 0 where nothing was; the samples [B] are uniform in [0, 1)."""
    resolution = images.shape[-1]
    most = int(resolution / 8 + 0.5)
    padded = F.pad(images, (most, most, most, most))
    # position i of the answer is i - shift of the image, i - shift + most of the padded one
    rows, columns = (
        torch.arange(resolution, device=images.device)
        + 2 * most
        - (sample * (2 * most + 1)).long()[:, None]  # [B,R]
        for sample in (down, right)
    )
    pixels = padded.permute(0, 2, 3, 1)  # along the grain of channels-last
    each = torch.arange(len(images), device=images.device)[:, None, None]
    return pixels[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)  # [B,R,R,3] -> [B,3,R,R]


def _outside_hole(resolution: int, down: Tensor, right: Tensor) -> Tensor:
    """[B,1,R,R], False in a square of half the width around a pixel; the samples [B] are in [0, 1)."""
    width = int(resolution / 2 + 0.5)
    places = torch.arange(resolution, device=down.device)
    top, left = (
        (sample * (resolution + 1 - width % 2)).long()[:, None] - width // 2 for sample in (down, right)
    )
    rows, columns = (((start <= places) & (places < start + width)) for start in (top, left))  # [B,R]
    return ~(rows[:, None, :, None] & columns[:, None, None, :])
