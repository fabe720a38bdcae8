"""A small AttnGAN's weights under the names of its authors."""

from __future__ import annotations

import zlib

import torch
from torch import Tensor

WORDS = ["<end>", "a", "small", "red", "bird", "with", "yellow", "beak"]
STAGE = 4  # channels of the small AttnGAN's stages
CODE, NOISE, TEXT, WORD = 6, 10, 12, 5


def filled(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Weights that depend on their names alone."""
    return {
        name: torch.rand(shape, generator=torch.Generator().manual_seed(zlib.crc32(name.encode()))) * 0.4
        - 0.1
        for name, shape in shapes.items()
    }


def norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.{leaf}": (width,) for leaf in ("weight", "bias", "running_mean", "running_var")}


def generator() -> dict[str, Tensor]:
    """An AttnGAN of 16 and 32 px in the authors' names: the sizes are read off the tensors."""
    wide = STAGE * 4
    shapes: dict[str, tuple[int, ...]] = {
        "ca_net.fc.weight": (4 * CODE, TEXT),
        "ca_net.fc.bias": (4 * CODE,),
        "h_net1.fc.0.weight": (2 * 16 * wide, CODE + NOISE),
        **norm("h_net1.fc.1", 2 * 16 * wide),
        "h_net2.att.conv_context.weight": (STAGE, TEXT, 1, 1),
        "img_net1.img.0.weight": (3, STAGE, 3, 3),
        "img_net2.img.0.weight": (3, STAGE, 3, 3),
    }
    for i in (1, 2):
        shapes[f"h_net1.upsample{i}.1.weight"] = (wide >> (i - 1), wide >> (i - 1), 3, 3)
        shapes |= norm(f"h_net1.upsample{i}.2", wide >> (i - 1))
    shapes |= {
        "h_net2.residual.0.block.0.weight": (4 * STAGE, 2 * STAGE, 3, 3),
        **norm("h_net2.residual.0.block.1", 4 * STAGE),
        "h_net2.residual.0.block.3.weight": (2 * STAGE, 2 * STAGE, 3, 3),
        **norm("h_net2.residual.0.block.4", 2 * STAGE),
        "h_net2.upsample.1.weight": (2 * STAGE, 2 * STAGE, 3, 3),
        **norm("h_net2.upsample.2", 2 * STAGE),
    }
    state = filled(shapes)
    for name in [name for name in state if name.endswith("running_mean")]:
        state[name.replace("running_mean", "num_batches_tracked")] = torch.tensor(3)
        state[name.replace("running_mean", "running_var")].abs_().add_(0.5)
    return state


def text_encoder() -> dict[str, Tensor]:
    shapes: dict[str, tuple[int, ...]] = {"encoder.weight": (len(WORDS), WORD)}
    for direction in ("", "_reverse"):
        shapes |= {
            f"rnn.weight_ih_l0{direction}": (2 * TEXT, WORD),
            f"rnn.weight_hh_l0{direction}": (2 * TEXT, TEXT // 2),
            f"rnn.bias_ih_l0{direction}": (2 * TEXT,),
            f"rnn.bias_hh_l0{direction}": (2 * TEXT,),
        }
    return filled(shapes)
