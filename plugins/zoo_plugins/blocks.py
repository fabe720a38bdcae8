"""What generators and discriminators share: AttnGAN (arXiv:1711.10485), authors' code."""

from __future__ import annotations

from torch import nn


def conv3x3(narrow: int, wide: int) -> nn.Conv2d:
    """A 3x3 convolution that keeps the side, without bias: a normalisation or tanh follows."""
    return nn.Conv2d(narrow, wide, 3, padding=1, bias=False)


def initialise(module: nn.Module) -> None:
    """AttnGAN's start: orthogonal weights, no bias, batch-norm gains N(1, 0.02). For `Module.apply`."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.orthogonal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
