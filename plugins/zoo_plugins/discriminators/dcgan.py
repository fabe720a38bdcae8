"""Matching-aware discriminator on DCGAN: GAN-CLS (arXiv:1605.05396), section 4.1; DCGAN (arXiv:1511.06434).

Letters as in zoo_registry.contracts; also F base channels, K channels of the last map.
"""

from __future__ import annotations

from .strided import StridedConvolutions


class DCGAN(StridedConvolutions):
    """The paper's discriminator."""
