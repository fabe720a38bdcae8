"""A model's folder in half precision: half the bytes, and nothing that only training needs."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from zoo_registry import ZooError

from ..files import folder_written_beside, sha256
from ..files.model import Model
from ..models import weights
from ..models.card import Facts, card
from ..models.folder import SAMPLING, check_generates
from ..models.locate import locate
from ..models.publish import to_publish

KEPT = (*SAMPLING, "style_encoder")


def write_half(model: str, out: Path, *, name: str | None = None) -> Path:
    """Write a model with weights of 16 bits: what sampling needs, the style encoder, the card.

    Loaded, the weights are those of the folder in 32 bits again, so that it runs on every device. name: what
    the card tells `zoo.load`; None: the folder. What was measured of the weights in 32 bits does not stand in
    the card. Raises `ZooError` for a folder that is there already, for a model that cannot generate, and for
    weights that 16 bits cannot hold.
    """
    if out.exists():
        raise ZooError(f"{out} exists; name a new folder")
    folder = locate(model, parts=KEPT)
    check_generates(Model(folder).recipe(), model)
    kept = {Model().part(kind).as_posix() for kind in KEPT}
    with folder_written_beside(out) as beside:
        for file, content in to_publish(folder, name or str(out)).items():
            target = beside / file
            if target.suffix == ".safetensors" and file not in kept:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.suffix == ".safetensors":
                _halve(folder / file, target)
            elif isinstance(content, bytes):
                target.write_bytes(content)
            else:
                shutil.copyfile(content, target)
        _sign(beside)
        text = card(beside, facts=Facts.of(folder, ""), name=name or str(out))
        Model(beside).card.write_text(text, encoding="utf-8")
    return out


def _halve(source: Path, target: Path) -> None:
    tensors = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in weights.read(source).items()
    }
    large = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if large:
        raise ZooError(f"{source}: {large[0]} has numbers that 16 bits cannot hold")
    save_file(tensors, target)


def _sign(folder: Path) -> None:
    """Write the hashes of the files anew into the configuration."""
    config = Model(folder).config()
    config.files = {name: sha256(folder / name) for name in config.files or () if (folder / name).is_file()}
    Model(folder).write_config(config)
