"""Text-conditional DCGAN: GAN-CLS (arXiv:1605.05396), section 4.1; DCGAN (arXiv:1511.06434).

Letters as in zoo_registry.contracts; also F base channels.
"""

from __future__ import annotations

from .transposed import TransposedConvolutions


class DCGAN(TransposedConvolutions):
    """Code and noise to 4x4, doubled up to one image by transposed convolutions that halve the channels.

    The paper's projection of the sentence is the conditioning "projection".

    resolution: R of the image, a power of two from 8. base_channels: F, channels at half of that resolution.
    noise_width: Z, of the noise.
    """
