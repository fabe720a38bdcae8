"""Image encoder on any timm model: AttnGAN (arXiv:1711.10485), section 3.2, where it is Inception-v3.

Letters as in zoo_registry.contracts; also K channels of the trunk, (h, w) its grid, N = h * w.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_plugins.timm_stages import maps, published_settings, stages_of
from zoo_registry.contracts import ImageEncoder, ImageFeatures, TextSpec
from zoo_registry.errors import ZooError


class TimmEncoder(nn.Module, ImageEncoder):
    """Images [B,3,R,R] of any resolution to a vector [B,D] and a map of regions [B,N,D], in the text's space.

    model: any timm model that has its stages ("features_only"). A tag picks its weights; "inception_v3"
        means "inception_v3.tv_in1k", the ones that AttnGAN used. They take [-1, 1] as it is; other models get
        their own mean and deviation.
    width: D, of regions and vector: the text's width, since the two are compared; None takes it from there.
    pretrained: start from the model's published weights, or from those in a file, .safetensors or .pth, under
        timm's names. Where they cannot be fetched, a UserWarning tells so and the trunk starts at random.
        False fetches nothing: right where the recipe's `weights` hold it.
    trunk: "frozen": no gradient for the trunk's parameters, only the two projections learn; in train mode its
        batch-norm statistics follow the data all the same, as in AttnGAN. "tuned": everything learns.
    resolution: images are resized to it (bilinear, align_corners=False); None: the model's own input
    resolution.
    regions: which of the model's stages gives the regions, as a list index; the vector pools the last one.
        Of Inception-v3, -2 is Mixed_6e: 17x17 regions of 768 channels; the last is Mixed_7c, of 2048.
    """

    def __init__(
        self,
        text: TextSpec,
        /,
        *,
        model: str = "inception_v3",
        width: PositiveInt | None = None,
        pretrained: bool | str = True,
        trunk: Literal["frozen", "tuned"] = "frozen",
        resolution: PositiveInt | None = None,
        regions: int = -2,
    ) -> None:
        super().__init__()
        if width not in (None, text.width):
            raise ZooError(
                f"image_encoder.width: {width}, but the text's width is {text.width} and the two "
                f"are compared; {text.width} is right, as is leaving it out"
            )
        remedy = (
            'a frozen trunk at random is useless: set trunk = "tuned" so that it learns, or go online once'
            if trunk == "frozen"
            else "it learns from nothing, which takes more data and longer than from published weights"
        )
        self.trunk = stages_of(model, pretrained, "image_encoder", remedy).requires_grad_(trunk == "tuned")
        channels: list[int] = self.trunk.feature_info.channels()
        if not -len(channels) <= regions < len(channels):
            raise ZooError(
                f"image_encoder.regions: {regions}, but the stages of {model} are 0 to {len(channels) - 1}, "
                "or counted from the last, -1"
            )
        self.regions = regions
        self.region_projection = nn.Linear(channels[regions], text.width, bias=False)
        self.vector_projection = nn.Linear(channels[-1], text.width)
        nn.init.uniform_(self.region_projection.weight, -0.1, 0.1)
        nn.init.uniform_(self.vector_projection.weight, -0.1, 0.1)

        published = published_settings(model)
        self.resolution = resolution or published.input_size[-1]
        # [-1, 1] to the model's own range: ((x + 1) / 2 - mean) / std
        mean, std = torch.tensor(published.mean), torch.tensor(published.std)
        self.register_buffer("scale", (0.5 / std).view(3, 1, 1), persistent=False)
        self.register_buffer("shift", ((0.5 - mean) / std).view(3, 1, 1), persistent=False)
        self.scale: Tensor
        self.shift: Tensor

    def forward(self, images: Tensor) -> ImageFeatures:
        """`images` is [B,3,R,R] in [-1, 1]."""
        sized = F.interpolate(
            images, size=(self.resolution, self.resolution), mode="bilinear", align_corners=False
        )
        stages = maps(self.trunk, sized * self.scale + self.shift)
        vector = stages[-1].mean((2, 3))  # [B,K,h,w] -> [B,K]
        height, width = stages[self.regions].shape[2:]
        regions = stages[self.regions].flatten(2).transpose(1, 2)  # [B,K,h,w] -> [B,K,N] -> [B,N,K]
        return ImageFeatures(
            self.vector_projection(vector), self.region_projection(regions), grid=(height, width)
        )
