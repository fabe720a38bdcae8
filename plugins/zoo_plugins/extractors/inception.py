"""Inception v3 as FID has it (arXiv:1706.08500), by torch-fidelity.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from zoo_registry.contracts import Extractor, ExtractorSetup, Layer
from zoo_registry.errors import ZooError

_NAMES: dict[Layer, str] = {"features": "2048", "logits": "logits_unbiased"}


class Inception(nn.Module, Extractor):
    """Features [B,2048], and logits [B,1008] without their bias, of images rounded to 8 bits.

    weights: a file of torch-fidelity's; not set: fetched once, into torch's cache.

    Raises `ZooError` where the weights cannot be loaded.
    """

    def __init__(self, setup: ExtractorSetup, /, *, weights: str | None = None) -> None:
        from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3, FeatureExtractorInceptionV3

        super().__init__()
        try:
            self.network = FeatureExtractorInceptionV3("inception-v3-compat", list(_NAMES.values()), weights)
        except (OSError, RuntimeError) as error:
            place = Path(torch.hub.get_dir()) / "checkpoints" / URL_INCEPTION_V3.rpartition("/")[2]
            raise ZooError(
                f"the Inception weights of FID cannot be loaded: {error}\n"
                f"with a network elsewhere, fetch {URL_INCEPTION_V3}\n  to {place}\n"
                "without one: --set METRIC.features=judge for procedural sets, =own or =FOLDER (an image "
                "encoder that was trained here); each is a protocol of its own"
            ) from None
        self.id = f"inception-{setup.hash(self.network)}"

    def forward(self, images: Tensor, layer: Layer = "features") -> Tensor:
        """`images` is [B,3,R,R] in [-1, 1]."""
        pixels = images.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
        found: Tensor = self.network(pixels)[list(_NAMES).index(layer)]
        return found
