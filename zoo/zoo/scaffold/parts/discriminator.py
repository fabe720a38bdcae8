"""A discriminator that asks how far image and sentence point the same way: arXiv:1802.05637, section 3.

B images, D text width, K channels of the last map, R an image's resolution.
"""

from __future__ import annotations

from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_registry.contracts import Discriminator, GeneratorSpec, Growth, TextSpec


class Projection(nn.Module, Discriminator):
    """A tower of convolutions for each resolution of the generator, and one logit per tower.

    That of an image alone; with a sentence also the product of the image's vector and the sentence's.

    channels: K, of the last map.
    """

    unconditional = True

    def __init__(self, text: TextSpec, generator: GeneratorSpec, /, *, channels: PositiveInt = 64) -> None:
        super().__init__()
        self.towers = nn.ModuleList(_tower(resolution, channels) for resolution in generator.resolutions)
        self.alone = nn.ModuleList(nn.Linear(channels, 1) for _ in generator.resolutions)
        # in a recipe without text there is nothing to project
        conditional = generator.resolutions if text.width else ()
        self.sentence = nn.ModuleList(nn.Linear(text.width, channels) for _ in conditional)

    def features(self, images: tuple[Tensor, ...], growth: Growth) -> tuple[Tensor, ...]:
        """A vector [B,K] per resolution: the sum over the last map. Does not grow: `growth` is ignored."""
        return tuple(tower(image).sum((2, 3)) for tower, image in zip(self.towers, images, strict=True))

    def score(self, features: tuple[Tensor, ...], sentence: Tensor | None) -> tuple[Tensor, ...]:
        """Logits [B], one tensor per resolution; `sentence` is [B,D], None for the images alone."""
        logits = tuple(head(vector)[:, 0] for head, vector in zip(self.alone, features, strict=True))
        if sentence is None:
            return logits
        fit = (
            (project(sentence) * vector).sum(1)  # [B,K] -> [B]
            for project, vector in zip(self.sentence, features, strict=True)
        )
        return tuple(a + b for a, b in zip(logits, fit, strict=True))


def _tower(resolution: int, channels: int) -> nn.Sequential:
    """Halve the resolution until it is 4: [B,3,R,R] to [B,K,4,4]."""
    downsamplings = (resolution // 4).bit_length() - 1
    layers = [nn.Conv2d(3, channels, 3, padding=1), nn.LeakyReLU(0.2)]
    for _ in range(downsamplings):
        layers += [nn.Conv2d(channels, channels, 4, 2, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)
