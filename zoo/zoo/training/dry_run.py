"""A recipe's networks and batches, before anything is read: whether they would fit."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from zoo_registry import Recipe, ZooError
from zoo_registry.contracts import TextSource

from ..assemble import assemble
from ..bounds import check_memory
from .schedule import resolution_of


def check_recipe(recipe: Recipe) -> None:
    """Refuse a recipe whose networks or batches would not fit, before any data are read.

    The networks are built without memory, on torch's meta device. Raises `ZooError`.
    """
    size, resolution = recipe.train.batch_size, resolution_of(recipe)
    what = f"train.batch_size: a batch of {size:,} images of {resolution} px"
    check_memory(4 * 3 * size * resolution**2, what, "a smaller one would do")
    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parts = assemble(recipe, TextSource(captions=["a"]), loading=True)
    except ZooError:
        raise
    except Exception:  # a part whose constructor needs numbers; it is met when it is built for training
        return
    for kind, module in parts.modules.items():
        learns = kind not in parts.frozen
        if size == 1 and learns and any(isinstance(one, nn.BatchNorm1d) for one in module.modules()):
            raise ZooError(
                f"{recipe.name}: train.batch_size: 1, but the {kind.replace('_', ' ')} normalises over the "
                "batch; expected 2 or more"
            )
