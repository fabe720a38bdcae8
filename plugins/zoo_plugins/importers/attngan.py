"""Names of AttnGAN's own weights (arXiv:1711.10485, authors' code) and where they go."""

from __future__ import annotations

from typing import ClassVar

from .stages import StagesImporter


class AttnGANImporter(StagesImporter):
    """Files of the authors' AttnGAN: bird_AttnGAN2.pth, netD0.pth and the two encoders of DAMSM.

    A generator's file holds its conditioning too, and a discriminator's file one resolution. A name that
    AttnGAN does not have, or one missing that a size is read from, raises ZooError. The tensors tell every
    size: `dims` is not read.
    """

    recipe: ClassVar[str] = "attngan-birds"
    system: ClassVar[str] = "AttnGAN"
