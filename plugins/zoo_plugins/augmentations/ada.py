"""Adaptive discriminator augmentation: ADA (arXiv:2006.06676), sections 2 and 3, appendix B.

Letters as in zoo_registry.contracts; also p the probability of each augmentation.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor, nn

from zoo_registry.contracts import Augmentation


class AdaptiveAugmentation(nn.Module, Augmentation):
    """Augments images, real and generated ones alike, as often as keeps the discriminator from overfitting.

    pipeline: the paper's sets, each applied image by image with probability p.
        "b": whole-pixel moves: mirroring; quarter turns; translation up to an eighth of the width.
        "bg": also geometry: scaling, rotation, stretching along a direction, translation by fractions.
        "bgc": also colour: brightness, contrast, luma flip, hue, saturation. A caption that names colours
            fits a recoloured image less well.
    target: of the mean sign of the logits of real images; above it p rises, below it falls.
    kimg: thousands of images in which p can rise from 0 to 1.

    p starts at 0, where images pass unchanged. Beyond the border the image is mirrored. The answer may leave
    [-1, 1], since nothing is clipped. Two things differ from the authors' code, which low-pass filters around
    the geometric moves, where here pixels are interpolated, so that shrunk images alias a little; and which
    moves p every fourth batch, four times as far.
    """

    def __init__(
        self,
        *,
        pipeline: Literal["b", "bg", "bgc"] = "bgc",
        target: float = 0.6,
        kimg: PositiveFloat = 500.0,
    ) -> None:
        super().__init__()
        self.pipeline = pipeline
        self.target = target
        self.kimg = kimg
        self.register_buffer("p", torch.zeros(()))
        self.p: Tensor

    def forward(self, images: Tensor, source: torch.Generator) -> Tensor:
        """`images` is [B,3,R,R] in [-1, 1]; takes as many numbers from `source` whatever p."""
        with torch.autocast(images.device.type, enabled=False):  # positions need float32
            samples = _Samples(len(images), source, self.p)
            images = _resampled(
                images.float(), _moves(samples, images.shape[-1], geometry="g" in self.pipeline)
            )
            return _recoloured(images, samples) if "c" in self.pipeline else images

    @torch.no_grad()
    def adapt(self, scores: tuple[Tensor, ...]) -> None:
        """Update p from the discriminator's logits on real images, one [B] tensor per resolution."""
        overfitting = torch.cat(scores).float().sign().mean()
        step = len(scores[0]) / (1000 * self.kimg)
        self.p.add_(step * (overfitting - self.target).sign()).clamp_(0, 1)


class _Samples:
    """Every random number that a batch needs, sampled at once on the CPU and handed out in order."""

    def __init__(self, count: int, source: torch.Generator, p: Tensor) -> None:
        self.p = p
        self.gates = iter(torch.rand(13, count, generator=source).to(p.device))
        self.flat = iter(torch.rand(8, count, generator=source).to(p.device))
        self.bell = iter(torch.randn(7, count, generator=source).to(p.device))

    def happens(self, p: Tensor | None = None) -> Tensor:
        """In which images an augmentation is applied: [B], 1 or 0."""
        return (next(self.gates) < (self.p if p is None else p)).float()

    def number(self, count: int) -> Tensor:
        """Whole numbers [B] from 0 to count - 1."""
        return (next(self.flat) * count).floor()

    def uniform(self, most: float) -> Tensor:
        """[B], in [-most, most)."""
        return (2 * next(self.flat) - 1) * most

    def normal(self, deviation: float) -> Tensor:
        """[B]."""
        return next(self.bell) * deviation


# Appendix B, pixel blitting and general geometric transformations, each inverted: where a pixel comes from
def _moves(samples: _Samples, resolution: int, *, geometry: bool) -> Tensor:
    """[B,3,3], of homogeneous places (x, y, 1) in the answer to those in the image, from the centre."""
    moves = _linear(1 - 2 * samples.number(2) * samples.happens(), 0.0, 0.0, 1.0)  # mirrored
    quarter = samples.number(4) * samples.happens() * (math.pi / 2)
    cos, sin = quarter.cos().round(), quarter.sin().round()  # exact, so that pixels stay whole
    moves = moves @ _linear(cos, sin, -sin, cos)
    happens = samples.happens()
    moves = moves @ _shift(*((samples.uniform(resolution / 8) * happens).round() for _ in range(2)))
    if not geometry:
        return moves
    scale = (-samples.normal(0.2) * samples.happens()).exp2()
    moves = moves @ _linear(scale, 0.0, 0.0, scale)
    turned = 1 - (1 - samples.p).sqrt()  # each of two rotations, so that either happens with probability p
    moves = moves @ _rotation(samples.uniform(math.pi) * samples.happens(turned))
    stretch = (-samples.normal(0.2) * samples.happens()).exp2()
    moves = moves @ _linear(stretch, 0.0, 0.0, 1 / stretch)
    moves = moves @ _rotation(samples.uniform(math.pi) * samples.happens(turned))
    happens = samples.happens()
    return moves @ _shift(*(samples.normal(resolution / 8) * happens for _ in range(2)))


def _rotation(angle: Tensor) -> Tensor:
    return _linear(angle.cos(), angle.sin(), -angle.sin(), angle.cos())


def _linear(a: Tensor, b: Tensor | float, c: Tensor | float, d: Tensor | float) -> Tensor:
    """[[a, b, 0], [c, d, 0], [0, 0, 1]] of entries [B] or numbers: [B,3,3]."""
    return _matrix(a, (a, b, 0.0, c, d, 0.0, 0.0, 0.0, 1.0))


def _shift(right: Tensor, down: Tensor) -> Tensor:
    """[[1, 0, right], [0, 1, down], [0, 0, 1]] of entries [B]: [B,3,3]."""
    return _matrix(right, (1.0, 0.0, right, 0.0, 1.0, down, 0.0, 0.0, 1.0))


def _matrix(like: Tensor, entries: tuple[Tensor | float, ...]) -> Tensor:
    full = [e if isinstance(e, Tensor) else torch.full_like(like, e) for e in entries]
    return torch.stack(full, dim=1).unflatten(1, (3, 3))


def _resampled(images: Tensor, moves: Tensor) -> Tensor:
    """Each pixel [B,3,R,R] from the place that `moves` says, bilinear, mirrored beyond the border.

    By indices: the gradient of grid_sample cannot be differentiated again, which R1 and its kin need.
    """
    resolution = images.shape[-1]
    places = torch.arange(resolution, device=images.device) - (resolution - 1) / 2  # [R], from the centre
    x, y = (
        moves[:, row, 0, None, None] * places
        + moves[:, row, 1, None, None] * places[:, None]
        + moves[:, row, 2, None, None]
        for row in range(2)
    )  # [B,R,R]
    (left, right, across), (top, bottom, along) = (_neighbours(place, resolution) for place in (x, y))
    pixels = images.permute(0, 2, 3, 1)  # along the grain of channels-last
    each = torch.arange(len(images), device=images.device)[:, None, None]
    upper = torch.lerp(pixels[each, top, left], pixels[each, top, right], across)  # [B,R,R,3]
    lower = torch.lerp(pixels[each, bottom, left], pixels[each, bottom, right], across)
    return torch.lerp(upper, lower, along).permute(0, 3, 1, 2)


def _neighbours(place: Tensor, resolution: int) -> tuple[Tensor, Tensor, Tensor]:
    """The pixels before and after places [B,R,R], and the share of the second [B,R,R,1]."""
    last = resolution - 1
    inside = last - (torch.remainder(place + last / 2, 2 * last) - last).abs()  # 0 to last
    before = inside.floor()
    return before.long(), (before + 1).clamp(max=last).long(), (inside - before)[..., None]


# Appendix B, colour transformations: brightness, contrast, luma flip, hue, saturation. The last three leave
# the grey axis as it is and act on the luma along it and on the chroma across it, so one step does them all
def _recoloured(images: Tensor, samples: _Samples) -> Tensor:
    """[B,3,R,R]; where nothing happens, every change below is exactly 0."""
    brightness = samples.normal(0.2) * samples.happens()
    contrast = (samples.normal(0.5) * samples.happens()).exp2()
    flip = samples.number(2) * samples.happens()
    hue = samples.uniform(math.pi) * samples.happens()
    saturation = (samples.normal(1.0) * samples.happens()).exp2()
    chroma, turn = saturation * hue.cos() - 1, saturation * hue.sin()
    brightness, contrast, flip, chroma, turn = (
        d[:, None, None, None] for d in (brightness, contrast, flip, chroma, turn)
    )
    images = images + brightness
    luma = images.mean(1, keepdim=True)  # [B,1,R,R]
    across = (images[:, [2, 0, 1]] - images[:, [1, 2, 0]]) / math.sqrt(3)  # a quarter turn of the chroma
    return (images - 2 * flip * luma + chroma * (images - luma) + turn * across) * contrast
