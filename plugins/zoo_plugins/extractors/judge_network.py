"""The judge's network: convolutions, glimpses and a head an attribute.

Shape letters: see zoo_registry.contracts; F feature width, V values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LARGEST = 64  # images are read at this resolution at most: there every attribute shows
WIDTH = 256  # F
GLIMPSES = 32


class _Block(nn.Module):
    """Two convolutions and a shortcut (ResNet, arXiv:1512.03385, section 3.3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(*_convolution(width, width), *_convolution(width, width)[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """[B,width,h,w] to the same."""
        return F.relu(self.convolutions(x) + x, inplace=True)


def _convolution(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, nn.Module, nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)


class _Glimpses(nn.Module):
    """What a network sees at a few places that it looks for itself, and where they are.

    One attention map per glimpse, softmax over the places; the features there and the middle of the
    map (spatial softmax, arXiv:1504.00702, section 5.1). A part of the image is found wherever it
    is, which takes far fewer images to learn than a layer that has every place for itself.
    """

    places: Tensor

    def __init__(self, width: int, resolution: int, count: int) -> None:
        super().__init__()
        self.maps = nn.Conv2d(width, count, 1)
        self.values = nn.Conv2d(width, width, 1)
        self.width = count * (width + 2)  # of what comes out
        row = torch.linspace(-1, 1, resolution)
        self.register_buffer("places", torch.cartesian_prod(row, row), persistent=False)  # [resolution²,2]

    def forward(self, x: Tensor) -> Tensor:
        """[B,width,resolution,resolution] to [B, count * (width + 2)]."""
        maps = self.maps(x).flatten(2).softmax(2)  # [B,count,resolution²]
        pooled = maps @ self.values(x).flatten(2).transpose(1, 2)  # [B,count,width]
        return torch.cat([pooled.flatten(1), (maps @ self.places).flatten(1)], 1)


class JudgeNetwork(nn.Module):
    """Reads attributes off images.

    values: of each attribute, sorted. resolution: of the images that it is trained on; others are resized.
    """

    def __init__(self, values: Mapping[str, Sequence[str]], resolution: int) -> None:
        super().__init__()
        self.values: Mapping[str, tuple[str, ...]] = {name: tuple(each) for name, each in values.items()}
        self.resolution = resolution
        # No pixel is lost on the way to 32×32, which costs a third of convolutions at 64×64.
        self.fine = nn.Sequential(
            nn.PixelUnshuffle(2), *_convolution(12, 32), *_convolution(32, 32), *_convolution(32, 64, 2)
        )
        self.fine.extend([_Block(64), _Block(64)])
        self.coarse = nn.Sequential(*_convolution(64, 128, 2), _Block(128))
        self.down = nn.Conv2d(128, 64, 1)
        self.glimpses = _Glimpses(64, LARGEST // 4, GLIMPSES)
        joined = self.glimpses.width + 128
        self.join = nn.Sequential(
            nn.BatchNorm1d(joined), nn.Linear(joined, WIDTH, bias=False), nn.BatchNorm1d(WIDTH), nn.ReLU()
        )
        self.heads = nn.Linear(WIDTH, sum(map(len, self.values.values())))
        self.to(memory_format=torch.channels_last)

    def features(self, images: Tensor) -> Tensor:
        """What the heads see of images [B,3,R,R] in [-1, 1]: [B,F]."""
        for resolution in (self.resolution, LARGEST):
            if images.shape[-1] != resolution:
                images = F.interpolate(images, resolution, mode="bilinear", antialias=True)
        fine = self.fine(images.contiguous(memory_format=torch.channels_last))  # [B,64,16,16]
        coarse = self.coarse(fine)  # [B,128,8,8]
        both = F.relu(fine + F.interpolate(self.down(coarse), scale_factor=2.0))
        return self.join(torch.cat([self.glimpses(both), coarse.mean((2, 3))], 1))

    def logits(self, images: Tensor) -> tuple[Tensor, ...]:
        """Of each attribute [B,V]."""
        return self.heads(self.features(images)).split([len(each) for each in self.values.values()], 1)

    @torch.inference_mode()
    def read(self, images: Tensor) -> dict[str, Tensor]:
        """Of each attribute the values' numbers [B] int64; `images` is [B,3,R,R] in [-1, 1]."""
        return {name: each.argmax(1) for name, each in zip(self.values, self.logits(images), strict=True)}
