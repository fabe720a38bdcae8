"""Symmetric structured joint embedding: Reed et al. (arXiv:1605.05395), section 3, equations 4 to 6.

Letters as in zoo_registry.contracts; every image meets every caption, so T counts the captions, those of all
processes (T = B where one trains alone).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from zoo_registry.contracts import Loss, Round


class SJE(Loss):
    """An image and its own caption by 1 more compatible than with another class: inner products, hinged.

    Classes are the units: the batch should hold one image of each of some classes (`classes_as_units` in
    `train`). Where classes come twice, and the round has labels, pairs of one class do not count as wrong.

    Terms: "sje/image", each image with others' captions, and "sje/text", each caption with others' images.
    They are means over all B x T pairs, as in the authors' code; in the paper the worst class alone counts.
    """

    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """Both terms, from `round.text.sentence` and `round.image_features.vector`."""
        vector, sentence = round.image_features.vector.float(), round.of_all(round.text.sentence.float())
        with torch.autocast(vector.device.type, enabled=False):  # bf16 would round large scores by the margin
            scores = round.of_all(vector @ sentence.T)  # [B,D] @ [D,T] -> [B,T], of all [T,T]
        labels = torch.arange(len(scores), device=scores.device)
        if round.labels is not None:
            labels = round.of_all(round.labels)
        own = labels[:, None] == labels  # [T,T]
        return {"sje/image": _hinge(scores, own), "sje/text": _hinge(scores.T, own)}


# Equations 5 and 6: max(0, 1 + F(v_n, t) - F(v_n, t_n)), where t is of another class than t_n
def _hinge(scores: Tensor, own: Tensor) -> Tensor:
    """Rows are what is held fixed; the diagonal holds the true pairs."""
    margins = 1 + scores - scores.diagonal()[:, None]
    return margins.clamp(min=0).masked_fill(own, 0.0).mean()
