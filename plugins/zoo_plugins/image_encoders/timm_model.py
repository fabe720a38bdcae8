"""Image encoder on any timm model: AttnGAN (arXiv:1711.10485), section 3.2, where it is Inception-v3.

Letters as in zoo_registry.contracts; also K channels of the trunk, (h, w) its grid, N = h * w.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any, Literal

import huggingface_hub
import torch
import torch.nn.functional as F
from huggingface_hub.errors import EntryNotFoundError
from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_registry.contracts import ImageEncoder, ImageFeatures, TextSpec
from zoo_registry.errors import ZooError, near


class TimmEncoder(nn.Module, ImageEncoder):
    """Images [B,3,R,R] of any resolution to a vector [B,D] and a map of regions [B,N,D], in the text's space.

    model: any timm model that has its stages ("features_only"). A tag picks its weights; "inception_v3"
        means "inception_v3.tv_in1k", the ones that AttnGAN used. They take [-1, 1] as it is; other models get
        their own mean and deviation.
    width: D, of regions and vector: the text's width, since the two are compared; None takes it from there.
    pretrained: start from the model's published weights. Where they cannot be fetched, a UserWarning tells so
        and the trunk starts at random. False fetches nothing: right where the weights come from a file.
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
        pretrained: bool = True,
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


def stages_of(
    model: str, pretrained: bool, part: str, remedy: str, depths: tuple[int, ...] | None = None
) -> Any:
    """The model as a list of its stages, with its published weights where they are available.

    part: for messages, the kind of part that takes it. remedy: what to do where the weights cannot be had, or
    what it costs to do without. depths: which stages, as list indices; None: all, or those that timm chooses.

    Raises ZooError where timm cannot build it; warns where its weights cannot be fetched.
    """
    import timm  # here and below: it takes seconds, and whoever only generates does without

    if not timm.is_model(model):
        raise ZooError(f"{part}.model: timm has no model {model!r}{_near(model)}")
    try:
        trunk = timm.create_model(model, features_only=True, out_indices=depths)
    except RuntimeError as error:  # an unknown tag, or a model without its stages
        raise ZooError(f"{part}.model: timm cannot give the stages of {model!r}: {error}") from None
    if not pretrained:
        return trunk
    try:
        _reach(model)
        return timm.create_model(model, features_only=True, out_indices=depths, pretrained=True)
    except Exception as error:  # the hub's HTTP client, and with it what it raises, changes with its versions
        reason = (str(error) or type(error).__name__).splitlines()[0]
        warnings.warn(
            f"{part}: the weights of {model} cannot be fetched ({reason}), so its trunk starts at random. "
            f"Unless a file holds its weights, {remedy}.",
            stacklevel=3,
        )
        return trunk


def published_settings(model: str) -> Any:
    """What timm says of a model's published weights: their place, resolution and range of images."""
    import timm

    published = timm.get_pretrained_cfg(model)
    assert published is not None
    return published


def maps(trunk: Any, images: Tensor) -> list[Tensor]:
    """What each stage gives, [B,K,h,w] of its own K."""
    stages: list[Tensor] = trunk(images)
    if getattr(trunk, "output_fmt", "NCHW") == "NHWC":  # some families do not tell: they are NCHW
        return [stage.permute(0, 3, 1, 2) for stage in stages]
    return stages


def _reach(model: str) -> None:
    """Raise at once where weights are neither here nor in reach: the download retries for a minute."""
    published = published_settings(model)
    repository, file = published.hf_hub_id, "model.safetensors"
    if repository and not isinstance(huggingface_hub.try_to_load_from_cache(repository, file), str):
        with suppress(EntryNotFoundError):  # older repositories hold another file
            huggingface_hub.get_hf_file_metadata(huggingface_hub.hf_hub_url(repository, file))


def _near(model: str) -> str:
    import timm

    hint = near(model.partition(".")[0], timm.list_models())
    return hint or "; timm.list_models() names them"  # there are over a thousand
