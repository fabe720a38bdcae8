"""How well a generated image matches its caption to CLIP (arXiv:2103.00020): GALIP (arXiv:2301.12959),
section 3.

As a distance on the sphere: StyleGAN-T (arXiv:2301.09515), section 3.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from zoo_registry.contracts import Loss, Round

from ..clip import FrozenCLIP


class CLIPSimilarity(FrozenCLIP, Loss):
    """Generates the largest image and its caption together in the space of a frozen CLIP: the term "clip".

    model: a CLIP of transformers, by its name on the Hub or as a local folder.
    distance: "cosine": -cos of the two embeddings, in [-1, 1]. "spherical": half of the squared angle between
        them, which keeps its slope where the two already agree well.

    Captions longer than the model reads (77 tokens) are cut. Raises ZooError where the model cannot be had.
    """

    def __init__(
        self,
        *,
        model: str = "openai/clip-vit-base-patch32",
        distance: Literal["cosine", "spherical"] = "cosine",
    ) -> None:
        super().__init__(model, "losses: clip-similarity.model")
        self.distance = _minus_cosine if distance == "cosine" else _spherical

    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The mean distance of generated images and `round.captions`.

        Generated images after the captions' own (of sentences between two captions) have none and are left
        out.
        """
        images = round.generated.images[-1][: len(round.captions)]
        return {"clip": self.distance(self.see(images), self.read(round.captions)).mean()}


def _minus_cosine(images: Tensor, captions: Tensor) -> Tensor:
    return -(images * captions).sum(1)


# 2 arcsin(|a - b| / 2)^2 of unit vectors; by atan2 its gradient is finite for opposite ones too
def _spherical(images: Tensor, captions: Tensor) -> Tensor:
    apart = torch.linalg.vector_norm(images - captions, dim=1)
    along = torch.linalg.vector_norm(images + captions, dim=1)
    return 2 * torch.atan2(apart, along).square()
