"""Names of AttnDCGAN's own weights (arXiv:1711.10485, authors' code): AttnGAN's, with one image."""

from __future__ import annotations

from typing import ClassVar

from .stages import StagesImporter


class AttnDCGANImporter(StagesImporter):
    """Files of the authors' AttnDCGAN: bird_AttnDCGAN2.pth, netD.pth and the two encoders of DAMSM."""

    recipe: ClassVar[str] = "attndcgan-birds"
    system: ClassVar[str] = "AttnDCGAN"
    image: ClassVar[str] = "img_net"
