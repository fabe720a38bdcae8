"""Text-conditional DCGAN: GAN-CLS (arXiv:1605.05396), section 4.1; DCGAN (arXiv:1511.06434).

Letters as in zoo_registry.contracts; also F base channels.
"""

from __future__ import annotations

from .transposed import TransposedConvolutions


class DCGAN(TransposedConvolutions):
    """The paper's generator. Its projection of the sentence is the conditioning "projection"."""
