"""Inversion of the generator for style transfer: GAN-CLS (arXiv:1605.05396), section 4.5, equation 6."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from zoo_registry.contracts import Loss, Round


class Inversion(Loss):
    """Squared error of the noise that the style encoder reads from a generated image: the term "inversion".

    The mean over batch and width: 1 where nothing was read, 0 where all was. The paper's sum over the width
    is Z times as much.
    """

    # Equation 6: |z - S(G(z, phi(t)))|^2
    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """`round.noise` is [B,Z]; `round.image_encoder` is the style encoder, of width Z."""
        assert round.noise is not None
        return {"inversion": F.mse_loss(round.image_features.vector.float(), round.noise)}
