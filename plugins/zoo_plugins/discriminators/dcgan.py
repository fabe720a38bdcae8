"""Matching-aware discriminator on DCGAN: GAN-CLS (arXiv:1605.05396), section 4.1; DCGAN (arXiv:1511.06434).

Letters as in zoo_registry.contracts; also F base channels, K channels of the last map.
"""

from __future__ import annotations

from .strided import StridedConvolutions


class DCGAN(StridedConvolutions):
    """Strided convolutions bring the largest image to [B,K,4,4]; the sentence, projected, joins it there.

    base_channels: F, channels after the first convolution; each halving of the resolution doubles them.
    text_width: of the projected sentence.
    unconditional: whether there is a head that ignores the sentence, which Reed's network does not have;
        always, where there is no text.
    joint: the paper's 1x1 convolution over image and sentence before the last 4x4 one. Without, as in the
        PyTorch port of GAN-CLS, the score of a pair is a sum: nothing tells which image goes with which
        sentence, only what is a likely image and a likely sentence.
    norm: of the layers: "batch", "spectral" (arXiv:1802.05957) or "none".
    """
