"""Redescription loss: MirrorGAN (arXiv:1903.05854), sections 3.3 and 3.4.

Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo_plugins.redescriber import redescribing
from zoo_registry.contracts import Loss, Redescription, Round


class Redescribed(Loss):
    """Predicts each word of a caption from its image and the caption's other words; of further captions too.

    A discriminator that redescribes learns to from real pairs, and the generator from its predictions on
    generated images. Without one, the image encoder predicts. In MirrorGAN the network that redescribes is
    trained beforehand and frozen.

    Term: "redescription", the mean cross entropy of words.
    """

    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The term of generated images."""
        predictor = redescribing(round.discriminator)
        if predictor is not None:
            return _term(predictor, round.fake_features, round)
        return _term(cast("Redescription", round.image_encoder), round.image_features, round)

    def discriminator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The term of real images."""
        predictor = redescribing(round.discriminator)
        return {} if predictor is None else _term(predictor, round.real_features, round)


def _term(predictor: Redescription, features: Any, round: Round) -> Mapping[str, Tensor]:
    logits, words = [], []
    for text in (round.text, *round.further_text):
        ids, mask = cast("Tensor", text.ids), cast("Tensor", text.mask)
        logits.append(predictor.redescribe(features, text).float()[mask])
        words.append(ids[mask])
    term = F.cross_entropy(torch.cat(logits), torch.cat(words))
    if round.gather is not None:  # the mean over the words of all processes, which have not equally many
        count = torch.tensor(sum(map(len, words)), device=term.device)
        term = term * count / round.gather(count[None]).float().mean()
    return {"redescription": term}
