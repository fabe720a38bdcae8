"""Colour consistency between scales: StackGAN++ (arXiv:1710.10916), section 3.3, equations 8 and 9.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo_registry.contracts import Loss, Round


class ColourConsistency(Loss):
    """Each image's colours near those of the next smaller one: a term "colour_consistency/R" each.

    Means over the batch and over the entries, as in the authors' code, where the smaller image leads: no
    gradient reaches it. The paper's sums over the entries are 3 times the means' term and 9 times the
    covariances'.
    """

    # Equation 9 with lambda1 = 1, lambda2 = 5: |mu_i - mu_(i-1)|^2 + 5 |Sigma_i - Sigma_(i-1)|^2
    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """Of generated images of at least two resolutions; of one there is no term."""
        images = round.generated.images
        terms = {}
        for small, large in pairwise(images):
            mean, covariance = _colours(large)
            with torch.no_grad():
                like_mean, like_covariance = _colours(small)
            terms[f"colour_consistency/{large.shape[-1]}"] = F.mse_loss(mean, like_mean) + 5 * F.mse_loss(
                covariance, like_covariance
            )
        return terms


# Equation 8: mu = sum_k x_k / N, Sigma = sum_k (x_k - mu) (x_k - mu)^T / N over the N pixels of an image
def _colours(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [B,3] and covariance [B,3,3] of the pixels' colours, in float32 whatever the images are."""
    pixels = images.float().flatten(2)  # [B,3,R,R] -> [B,3,N]
    mean = pixels.mean(2)
    centred = pixels - mean[:, :, None]
    with torch.autocast(images.device.type, enabled=False):
        return mean, centred @ centred.transpose(1, 2) / pixels.shape[2]
