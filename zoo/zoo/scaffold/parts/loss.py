"""A loss: feature matching (arXiv:1606.03498, section 3.1). B images, K features."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from zoo_registry.contracts import Loss, Round


class FeatureMatching(Loss):
    """The mean of the discriminator's features of a batch of generated images near that of real images."""

    # | E f(x) - E f(G(z)) |^2, as a mean over the features instead of a sum
    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """One term per resolution for the generator; the discriminator minimises none."""
        pairs = zip(round.generated.images, round.fake_features, round.real_features, strict=True)
        return {
            f"feature_matching/{image.shape[-1]}": F.mse_loss(fake.mean(0), real.mean(0))
            for image, fake, real in pairs
        }
