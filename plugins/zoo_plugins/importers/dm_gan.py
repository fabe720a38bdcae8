"""Names of DM-GAN's own weights (arXiv:1904.01310, authors' code) and where they go.

Every size is read off the tensors: the letters in the comments are those of the parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor

from zoo_registry.contracts import ConditionSpec, Converted, GeneratorSpec, TextSpec

from .stages import BLOCKS, STAGES, StagesImporter, conditioning, resolutions_of, with_counts
from .tables import State, Table, count, rename, shape

_SYSTEM = "DM-GAN"


class DMGANImporter(StagesImporter):
    """Files of the authors' DM-GAN: bird_DMGAN.pth, netD0.pth, and the two encoders, which are AttnGAN's."""

    recipe: ClassVar[str] = "dm-gan-birds"
    system: ClassVar[str] = _SYSTEM

    def convert(self, part: str, state: Mapping[str, Tensor], **dims: Any) -> Mapping[str, Converted]:
        """`{kind: converted}`; a generator comes with its conditioning and its mask layout."""
        if part == "generator":
            return _generator(with_counts(state))
        if part == "discriminator":
            return _discriminator(state)
        return super().convert(part, state, **dims)


# ------------------------------------------------------------------------------------------------------------
# Generator and conditioning

_MEMORY = {
    "A": "word_gate",
    "B": "picture_gate",
    "M_w.0": "from_word",
    "M_r.0": "from_picture",
    "key.0": "key",
    "value.0": "value",
}

_GENERATOR: Table = {
    **STAGES,
    r"h_net(\d+)\.(A|B|(?:M_w|M_r|key|value)\.0)\.(weight|bias)": lambda m: (
        f"later.{int(m[1]) - 2}.memory.{_MEMORY[m[2]]}.{m[3]}"
    ),
    r"h_net(\d+)\.response_gate\.0\.(weight|bias)": lambda m: f"later.{int(m[1]) - 2}.response_gate.{m[2]}",
}


def _generator(state: State) -> dict[str, Converted]:
    part = "generator"
    condition = conditioning(state, _SYSTEM, part)
    code_width: int = condition.settings["width"]
    _, inputs = shape(state, "h_net1.fc.0.weight", _SYSTEM, part)  # [2*16*channels,C+Z]
    shape(state, "h_net2.M_w.0.weight", _SYSTEM, part)  # what AttnGAN's generator does not have
    settings = {
        "resolutions": resolutions_of(state),
        "base_channels": shape(state, "img_net1.img.0.weight", _SYSTEM, part)[1],  # [3,K,3,3]
        "residual_blocks": count(state, r"h_net2\.residual\.(\d+)\.block\.0\.weight"),
        "noise_width": inputs - code_width,
        "mask_layout": "attngan",
    }
    own = {name: tensor for name, tensor in state.items() if not name.startswith("ca_net.")}
    renamed = {
        name: tensor.squeeze(2) if tensor.ndim == 3 else tensor  # Conv1d's [wide,narrow,1] to Linear's
        for name, tensor in rename(own, _GENERATOR, _SYSTEM, part).items()
    }
    return {
        "conditioning": condition,
        "generator": Converted(
            "memory-stages", settings, renamed, text=condition.text, condition=ConditionSpec(code_width)
        ),
    }


# ------------------------------------------------------------------------------------------------------------
# Discriminator

# A layer of the authors' spectral normalisation: its kernel and its largest singular value's vectors
_NORMALISED = {
    "bias": "bias",
    "weight_bar": "parametrizations.weight.original",
    "weight_u": "parametrizations.weight.0._u",
    "weight_v": "parametrizations.weight.0._v",
}


def _discriminator(state: State) -> dict[str, Converted]:
    part = "discriminator"
    first, joint = "img_code_s16.0.module.weight_bar", "COND_DNET.jointConv.0.module.weight_bar"
    base_channels = shape(state, first, _SYSTEM, part)[0]  # [F,3,4,4]
    text_width = shape(state, joint, _SYSTEM, part)[1] - 8 * base_channels  # [8F,8F+D,3,3]
    blocks = {name.partition(".")[0] for name in state}
    resolution = 256 if "img_code_s64" in blocks else 128 if "img_code_s32" in blocks else 64
    network = f"networks.{resolution}"
    leaf = rf"module\.({'|'.join(_NORMALISED)})"
    table: Table = {
        # a strided convolution and a rectifier: 0 1, 2 3, 4 5, 6 7
        rf"img_code_s16\.([0246])\.{leaf}": lambda m: (
            f"{network}.trunk.{int(m[1]) // 2}.0.{_NORMALISED[m[2]]}"
        ),
        rf"img_code_(s32|s32_1|s64|s64_1|s64_2)\.0\.{leaf}": lambda m: (
            f"{network}.trunk.{BLOCKS[resolution][m[1]]}.0.{_NORMALISED[m[2]]}"
        ),
        rf"COND_DNET\.jointConv\.0\.{leaf}": lambda m: f"{network}.joint.0.{_NORMALISED[m[1]]}",
        r"COND_DNET\.outlogits\.0\.(weight|bias)": rf"{network}.conditional.\1",
        r"UNCOND_DNET\.outlogits\.0\.(weight|bias)": rf"{network}.unconditional.\1",
    }
    return {
        "discriminator": Converted(
            "pyramid",
            {
                "base_channels": base_channels,
                "unconditional": "UNCOND_DNET.outlogits.0.weight" in state,
                "norm": "spectral",
            },
            rename({**state, **_iterated(state)}, table, _SYSTEM, part),
            text=TextSpec(text_width, words=True),
            generator=GeneratorSpec((resolution,), noise_width=0),  # which the discriminator does not see
        )
    }


def _iterated(state: State) -> dict[str, Tensor]:
    """Every layer's two vectors after one step of the power iteration.

    The authors' layer takes one before each use, in eval mode too; ours none in eval mode.
    """
    vectors = {}
    for name, kernel in state.items():
        match = re.fullmatch(r"(.+\.weight)_bar", name)
        if match and (left := state.get(f"{match[1]}_u")) is not None:
            matrix = kernel.flatten(1)  # [wide,narrow,k,k] -> [wide,narrow*k*k]
            right = F.normalize(matrix.T @ left, dim=0)
            vectors[f"{match[1]}_u"] = F.normalize(matrix @ right, dim=0)
            vectors[f"{match[1]}_v"] = right
    return vectors
