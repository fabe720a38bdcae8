"""Redescription loss: MirrorGAN (arXiv:1903.05854), section 3.3, equation 10.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch.nn.functional as F
from torch import Tensor

from zoo_registry.contracts import Loss, Redescription, Round


class Redescribed(Loss):
    """Finds each word of a caption in its image, between the caption's other words.

    Where the discriminator has `redescribe`, it learns it from real pairs, and the generator by what it then
    finds in generated images; else the image encoder does both. In MirrorGAN the network that describes is
    trained beforehand and frozen.

    Term: "redescription", the mean cross entropy of words.
    """

    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The term of generated images."""
        if isinstance(round.discriminator, Redescription):
            return _term(round.discriminator, round.fake_features, round)
        return _term(cast("Redescription", round.image_encoder), round.image_features, round)

    def discriminator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The term of real images."""
        if isinstance(round.discriminator, Redescription):
            return _term(round.discriminator, round.real_features, round)
        return {}


def _term(finder: Redescription, features: Any, round: Round) -> Mapping[str, Tensor]:
    logits = finder.redescribe(features, round.text).float()
    ids, mask = cast("Tensor", round.text.ids), cast("Tensor", round.text.mask)
    return {"redescription": F.cross_entropy(logits[mask], ids[mask])}
