"""What generators and discriminators share: AttnGAN (arXiv:1711.10485), authors' code."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from zoo_registry.contracts import GeneratorSpec
from zoo_registry.errors import ZooError

Norm = Literal["batch", "spectral", "none"]
"""How a discriminator's layers are normalised."""


def conv3x3(in_channels: int, out_channels: int) -> nn.Conv2d:
    """A 3x3 convolution that keeps the resolution, without bias: a normalisation or tanh follows."""
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)


def in_memory_format(input: Tensor, format: torch.memory_format) -> Tensor:
    """A map in another memory format; its gradient comes back in the format it had.

    A layer whose gradient has another memory format than its output is slow: batch normalisation 6 times on a
    CPU.
    """
    if input.requires_grad:
        own = (
            torch.channels_last
            if input.is_contiguous(memory_format=torch.channels_last)
            else torch.contiguous_format
        )
        input.register_hook(lambda gradient: gradient.contiguous(memory_format=own))
    return input.contiguous(memory_format=format)


class Gate(nn.Module):
    """Gated linear unit over the channels, [B,2C,h,w] to [B,C,h,w], at full speed in channels-last too.

    There nn.GLU walks across the grain of memory, 3 times slower on a CPU; the last axis is along it.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Half of the channels, each times the sigmoid of its partner in the other half."""
        if input.is_contiguous(memory_format=torch.channels_last):
            return F.glu(input.permute(0, 2, 3, 1), dim=3).permute(0, 3, 1, 2)
        return F.glu(input, dim=1)


class DoublingConv(nn.Conv2d):
    """Twice the resolution by nearest neighbour, then a 3x3 convolution without bias, in one step.

    Each output pixel sees 2x2 input pixels through sums of the 3x3 kernel's taps: a transposed convolution of
    stride 2 with a 4x4 kernel, 16 products an input pixel and channel pair where the two steps take 36
    (ProGAN, arXiv:1710.10196, authors' code, has the same for its own layers).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1, bias=False)
        along = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
        self.register_buffer("spread", torch.kron(along, along), persistent=False)  # [9,16]
        self.spread: Tensor

    def forward(self, input: Tensor) -> Tensor:
        """[B,in_channels,h,w] to [B,out_channels,2h,2w]."""
        taps = (self.weight.flatten(2) @ self.spread).unflatten(
            2, (4, 4)
        )  # [out_channels,in_channels,9] @ [9,16]
        return F.conv_transpose2d(input, taps.transpose(0, 1), stride=2, padding=1)


class Bottleneck(nn.Module):
    """To a quarter of the channels and back beside the identity: [B,C,h,w] to the same, not yet rectified.

    Deep residual learning (arXiv:1512.03385), section 4.1, with the kernels of Reed's GAN-CLS code.
    """

    def __init__(self, channels: int, rectifier: nn.Module, norm: Norm = "batch") -> None:
        super().__init__()
        in_channels = channels // 4
        self.block = nn.Sequential(
            convolution(channels, in_channels, 1, norm),
            *_batch_norm(in_channels, norm),
            rectifier,
            convolution(in_channels, in_channels, 3, norm),
            *_batch_norm(in_channels, norm),
            rectifier,
            convolution(in_channels, channels, 3, norm),
            *_batch_norm(channels, norm),
        )

    def forward(self, input: Tensor) -> Tensor:
        """The input and what the block adds."""
        result: Tensor = input + self.block(input)
        return result


def convolution(in_channels: int, out_channels: int, kernel: int, norm: Norm, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the resolution or divides it by the stride; it has a bias without batch norm.

    Spectral normalisation comes later, by `normalise_spectrally`, once the weights have their start values.
    """
    return nn.Conv2d(in_channels, out_channels, kernel, stride, (kernel - 1) // 2, bias=norm != "batch")


def leaky(layer: nn.Conv2d, norm: Norm) -> nn.Sequential:
    """A discriminator's convolution, its batch normalisation where that is the norm, a leaky rectifier."""
    return nn.Sequential(layer, *_batch_norm(layer.out_channels, norm), nn.LeakyReLU(0.2))


def _batch_norm(channels: int, norm: Norm) -> tuple[nn.Module, ...]:
    return (nn.BatchNorm2d(channels),) if norm == "batch" else ()


def normalise_spectrally(module: nn.Module) -> None:
    """Divide every kernel and matrix of a module by its largest singular value (arXiv:1802.05957)."""
    for layer in list(module.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            spectral_norm(layer)


def power_of_two(resolution: int) -> int:
    """A resolution that doublings of 4x4 reach, for `AfterValidator`; ValueError for another."""
    if resolution < 8 or resolution & (resolution - 1):
        raise ValueError("the resolution must be a power of two, 8 or larger")
    return resolution


def judged_resolutions(
    generator: GeneratorSpec, part: str, judges: Literal["all", "largest"] = "all"
) -> tuple[int, ...]:
    """The resolutions that a discriminator judges at once; ZooError where halving does not reach 4."""
    if generator.growing:
        raise ZooError(
            f"discriminator: {part!r} judges every resolution at once, this generator makes one at a time; "
            "use a growing discriminator"
        )
    resolutions = generator.resolutions if judges == "all" else generator.resolutions[-1:]
    for resolution in resolutions:
        if resolution < 8 or resolution & (resolution - 1):
            raise ZooError(f"discriminator: {part!r} judges powers of two from 8, not {resolution}")
    return resolutions


def initialise_normal(module: nn.Module) -> None:
    """DCGAN's start (arXiv:1511.06434): kernels N(0, 0.02), gains N(1, 0.02). For `Module.apply`."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def initialise(module: nn.Module) -> None:
    """AttnGAN's start: orthogonal weights, no bias, batch-norm gains N(1, 0.02). For `Module.apply`."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        _orthogonal(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


@torch.no_grad()
def _orthogonal(weight: Tensor) -> None:
    """Random orthonormal rows, or columns where those are fewer (arXiv:1312.6120).

    By the Cholesky factor of the Gram matrix, in double precision for its squared condition: the QR
    decomposition of nn.init.orthogonal_ takes seconds a layer on a busy machine.
    """
    rows, columns = weight.flatten(1).shape
    tall = torch.randn(max(rows, columns), min(rows, columns), dtype=torch.float64)
    factor = torch.linalg.cholesky(tall.T @ tall)
    basis = torch.linalg.solve_triangular(factor.T, tall, upper=True, left=False)
    weight.copy_((basis if rows >= columns else basis.T).reshape(weight.shape))


def widths(resolution: int, channels: int) -> list[int]:
    """Channels at every resolution from the image's down to 4: doubled at each, to 8 times at most."""
    return [channels * min(1 << i, 8) for i in range(resolution.bit_length() - 2)]
