"""Networks that turn images into features, by the name that a metric's setting gives them.

Shape letters: see zoo_registry.contracts; F feature width.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import TextSource
from zoo_registry.errors import nearest

from ..assemble import Parts, assemble
from ..files.model import Model
from ..files.run import Run
from ..models.hub import HubId
from ..models.locate import locate

Layer = Literal["features", "logits"]
MATCHING = ("text_encoder", "image_encoder")


@dataclass(frozen=True)
class Extractor:
    """One network. `id` names its weights by content; `layers` give features [B,F] of images in [-1, 1]."""

    id: str
    layers: Mapping[Layer, Callable[[Tensor], Tensor]]


def inception(device: torch.device) -> Extractor:
    """FID's Inception v3 (arXiv:1706.08500), by torch-fidelity, which fetches its weights once."""
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3, FeatureExtractorInceptionV3

    names: dict[Layer, str] = {"features": "2048", "logits": "logits_unbiased"}
    try:
        network = FeatureExtractorInceptionV3("inception-v3-compat", list(names.values()))
    except (OSError, RuntimeError) as error:
        place = Path(torch.hub.get_dir()) / "checkpoints" / URL_INCEPTION_V3.rpartition("/")[2]
        raise ZooError(
            f"the Inception weights of FID cannot be fetched: {error}\n"
            f"with a network elsewhere, fetch {URL_INCEPTION_V3}\n  to {place}\n"
            "without one: --set METRIC.features=judge for procedural sets, =own or =FOLDER (an image encoder "
            "that was trained here); each is a protocol of its own"
        ) from None
    network = network.to(device).eval()

    def layer(name: str) -> Callable[[Tensor], Tensor]:
        index = list(names.values()).index(name)
        return lambda images: network(_bytes(images))[index]

    return Extractor(f"inception-{_weights(network)}", {key: layer(name) for key, name in names.items()})


def of_timm(name: str, device: torch.device) -> Extractor:
    """A network of timm: what it pools, and its class scores.

    name: "NAME" with its published weights, or "NAME=FILE" with those in a file, .safetensors or .pth, under
    timm's names.
    """
    import timm

    name, _, file = name.partition("=")
    if file and not Path(file).expanduser().is_file():
        raise ZooError(f"timm:{name}={file}: no such file")
    if not timm.is_model(name):
        raise ZooError(f"timm has no model {name!r}{nearest(name, timm.list_models())}")
    try:
        overlay = {}
        if file:
            weights = timm.models.load_state_dict(str(Path(file).expanduser()), weights_only=True)
            overlay = {"pretrained_cfg_overlay": {"state_dict": weights}}
        network: Any = timm.create_model(name, pretrained=True, **overlay).to(device).eval()
    except Exception as error:  # the Hub's client raises anything where there is no network, as files do
        raise ZooError(
            f"the weights of timm:{name}{file and '='}{file} cannot be read: {error}\nwithout a network, "
            f"features=timm:{name}=FILE, judge, own or FOLDER (an image encoder that was trained here) serve"
        ) from None
    mean, spread = (
        torch.tensor(network.pretrained_cfg[key], device=device)[:, None, None] for key in ("mean", "std")
    )
    resolution = network.pretrained_cfg["input_size"][-1]

    def prepared(images: Tensor) -> Tensor:
        sized = F.interpolate(images, resolution, mode="bicubic", antialias=True).clamp(-1, 1)
        return (sized / 2 + 0.5 - mean) / spread

    return Extractor(
        f"timm:{name}-{_weights(network)}",
        {
            "features": lambda images: network.forward_head(
                network.forward_features(prepared(images)), pre_logits=True
            ),
            "logits": lambda images: network(prepared(images)),
        },
    )


@dataclass(frozen=True)
class Matcher:
    """A text and an image encoder that share a space. `id` names their weights by content."""

    id: str
    parts: Parts

    @property
    def extractor(self) -> Extractor:
        """Its image encoder's global vector."""
        return Extractor(self.id, {"features": lambda images: self.parts.image_encoder(images).vector})


def matcher(folder: str | Path, device: torch.device) -> Matcher:
    """The matching encoders of a model's folder or a run's. Raises `ZooError` where there are none."""
    place = locate(folder, parts=MATCHING)
    recipe = Model(place).recipe()
    missing = [kind for kind in MATCHING if kind not in recipe.parts]
    if missing:
        raise ZooError(
            f"{folder} holds no {missing[0].replace('_', ' ')}; expected a model of both encoders, as "
            "zoo train damsm-aviary writes it"
        )
    parts = assemble(recipe, TextSource(folder=place), kinds=MATCHING, folder=place).to(device)
    for module in parts.modules.values():
        module.eval()
    return Matcher(f"{recipe.name}#{_weights(*parts.modules.values())[:8]}", parts)


def own_matcher(model: Path) -> Path:
    """Where the encoders lie that a pipeline was trained with. Raises `ZooError` where that is not known.

    model: its folder, or the run that it is in, whose first stages hold encoders too.
    """
    places = [locate(model, parts=MATCHING)]
    run = Run(model) if Run(model).exists() else Run(model.parent)
    weights = _weights_of_text(run)
    if weights is not None:
        places.append(weights)
    places += [stage.model for stage in reversed(run.stages()[:-1]) if Model(stage.model).exists()]
    for place in places:
        recipe = Model(place).recipe()
        if all(kind in recipe.parts and Model(place).part(kind).is_file() for kind in MATCHING):
            return place
    raise no_own_matcher(str(model))


def no_own_matcher(name: str) -> ZooError:
    """The error of a pipeline whose matching model is not there."""
    return ZooError(
        f"{name} has no matching model of its own: it was trained without an image encoder, or came without "
        "it; name one: --set METRIC.matcher=FOLDER"
    )


def _weights_of_text(run: Run) -> Path | None:
    """Where a run took its text encoder from, if it says so and that is still there."""
    if not run.exists():
        return None
    encoder = Recipe.read(run.recipe(), catalogue()).parts.get("text_encoder")
    found = encoder and encoder.origin("text_encoder")
    if not found:
        return None
    origin, _ = found
    known = Path(origin).is_dir() or HubId.parse(origin) is not None
    return locate(origin, parts=MATCHING) if known else None


def _bytes(images: Tensor) -> Tensor:
    return images.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def _weights(*modules: nn.Module) -> str:
    """A hash of networks' weights, the same on every machine."""
    digest = hashlib.blake2b(digest_size=8)
    for module in modules:
        for name, tensor in sorted(module.state_dict().items()):
            digest.update(f"{name}{tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
