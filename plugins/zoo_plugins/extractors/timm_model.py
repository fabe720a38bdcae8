"""Any network of timm as an extractor.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo_plugins.timm_stages import near_model
from zoo_registry.contracts import Extractor, ExtractorSetup, Layer
from zoo_registry.errors import ZooError, first_line
from zoo_registry.text import expanded


class TimmExtractor(nn.Module, Extractor):
    """What a network pools [B,F], and its class scores.

    model: "NAME" in timm, with its published weights (a tag picks them), or "NAME=FILE" with those in a file,
        .safetensors or .pth, under timm's names.

    Raises `ZooError` for a name that timm does not have, and where the weights cannot be loaded.
    """

    def __init__(self, setup: ExtractorSetup, /, *, model: str) -> None:
        super().__init__()
        name, _, file = model.partition("=")
        if file and not expanded(file).is_file():
            raise ZooError(f"timm:{model}: no such file")
        if not timm.is_model(name):
            raise ZooError(f"timm has no model {name!r}{near_model(name)}")
        weights: Any = None  # a change of where they are published
        try:
            if file:
                weights = {"state_dict": timm.models.load_state_dict(str(expanded(file)), weights_only=True)}
            network: Any = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=weights)
        except Exception as error:  # the Hub's client raises anything where there is no network, as files do
            raise ZooError(
                f"the weights of timm:{model} cannot be read: {first_line(error)}\nwithout a network, "
                f"features=timm:{name}=FILE, judge, own or FOLDER (an encoder that was trained here) serve"
            ) from None
        self.network = network
        published = network.pretrained_cfg
        for buffer, key in (("mean", "mean"), ("spread", "std")):
            self.register_buffer(buffer, torch.tensor(published[key])[:, None, None], persistent=False)
        self.mean: Tensor
        self.spread: Tensor
        self.resolution: int = published["input_size"][-1]
        self.id = f"timm:{name}-{setup.hash(network)}"

    def forward(self, images: Tensor, layer: Layer = "features") -> Tensor:
        """`images` is [B,3,R,R] in [-1, 1]."""
        sized = F.interpolate(images, self.resolution, mode="bicubic", antialias=True).clamp(-1, 1)
        network: Any = self.network
        maps = network.forward_features((sized / 2 + 0.5 - self.mean) / self.spread)
        found: Tensor = network.forward_head(maps, pre_logits=layer == "features")
        return found
