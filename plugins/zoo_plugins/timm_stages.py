"""A timm model as its stages, for encoders and discriminators on pretrained networks.

Letters as in zoo_registry.contracts; also K channels of a stage, (h, w) its grid.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any

import huggingface_hub
from huggingface_hub.errors import EntryNotFoundError
from torch import Tensor

from zoo_registry.errors import ZooError, first_line, near, said
from zoo_registry.text import expanded


def stages_of(
    model: str, pretrained: bool | str, part: str, remedy: str, depths: tuple[int, ...] | None = None
) -> Any:
    """The model as a list of its stages, with its published weights where they are available, or a file's.

    part: for messages, the kind of part that takes it. remedy: what to do where the weights cannot be had, or
    what it costs to do without. depths: which stages, as list indices; None: all, or those that timm chooses.

    Raises ZooError where timm cannot build it, and for a file that does not hold its weights; warns where its
    weights cannot be fetched.
    """
    import timm  # here and below: it takes seconds, and whoever only generates does without

    if not timm.is_model(model):
        raise ZooError(f"{part}.model: timm has no model {model!r}{near_model(model)}")
    try:
        trunk = timm.create_model(model, features_only=True, out_indices=depths)
    except RuntimeError as error:  # an unknown tag, or a model without its stages
        raise ZooError(f"{part}.model: timm cannot give the stages of {model!r}: {error}") from None
    if not pretrained:
        return trunk
    if isinstance(pretrained, str):
        return _with_weights_of(model, pretrained, part, depths)
    repository = published_settings(model).hf_hub_id
    try:
        if repository:
            _reach(repository)
        return timm.create_model(model, features_only=True, out_indices=depths, pretrained=True)
    except Exception as error:  # the hub's HTTP client, and with it what it raises, changes with its versions
        warnings.warn(
            f"{part}: the weights of {model} cannot be fetched ({first_line(error)}), so its trunk starts at "
            f"random. Unless a file holds its weights, {remedy}.",
            stacklevel=3,
        )
        return trunk


def _with_weights_of(model: str, file: str, part: str, depths: tuple[int, ...] | None) -> Any:
    """The model's stages with the weights in a file. Runs nothing that the file holds."""
    import timm

    path = expanded(file)
    if not path.is_file():
        raise ZooError(f"{part}.pretrained: no such file: {path}; expected one, true or false")
    try:
        weights = {"state_dict": timm.models.load_state_dict(str(path), weights_only=True)}
        return timm.create_model(
            model, features_only=True, out_indices=depths, pretrained=True, pretrained_cfg_overlay=weights
        )
    except Exception as error:  # whatever is in the file
        raise ZooError(
            f"{part}.pretrained: {path} does not hold the weights of {model} under timm's names: "
            f"{said(error)[:300]}"
        ) from None


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


def _reach(repository: str) -> None:
    """Raise at once where weights are neither here nor in reach: the download retries for a minute."""
    file = "model.safetensors"
    if not isinstance(huggingface_hub.try_to_load_from_cache(repository, file), str):
        with suppress(EntryNotFoundError):  # older repositories hold another file
            huggingface_hub.get_hf_file_metadata(huggingface_hub.hf_hub_url(repository, file))


def near_model(model: str) -> str:
    """What to add to "no such model": the nearest name; timm has over a thousand, too many to list."""
    import timm

    return near(model.partition(".")[0], timm.list_models()) or "; timm.list_models() names them"
