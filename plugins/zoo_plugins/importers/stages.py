"""Names of the weights of AttnGAN (arXiv:1711.10485, authors' code) and of its kin, and where they go.

Every size is read off the tensors: the letters in the comments are those of the parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from zoo_registry.contracts import (
    ConditionSpec,
    Converted,
    GeneratorSpec,
    Importer,
    TextSource,
    TextSpec,
)

from .tables import State, Table, count, rename, shape


class StagesImporter(Importer):
    """Files of a system of AttnGAN's kin. The tensors tell every size: `dims` is not read."""

    parts: ClassVar[tuple[str, ...]] = ("text_encoder", "image_encoder", "generator", "discriminator")
    system: ClassVar[str]
    image: ClassVar[str] = "img_net1"  # what the first image is made by

    def convert(self, part: str, state: Mapping[str, Tensor], **dims: Any) -> Mapping[str, Converted]:
        """`{kind: converted}`; a generator comes with its conditioning and its mask layout."""
        state = with_counts(state)
        if part == "generator":
            return _generator(state, self.system, self.image)
        return {
            "text_encoder": _text_encoder,
            "image_encoder": _image_encoder,
            "discriminator": _discriminator,
        }[part](state, self.system)


def with_counts(state: State) -> dict[str, Tensor]:
    """The state with every batch norm's count of batches, which PyTorch before 0.4.1 did not keep."""
    norms = [name.removesuffix("running_mean") for name in state if name.endswith(".running_mean")]
    none = torch.zeros((), dtype=torch.int64)
    return {
        **dict(state),
        **{name: none for norm in norms if (name := f"{norm}num_batches_tracked") not in state},
    }


# ------------------------------------------------------------------------------------------------------------
# Text encoder

_TEXT_ENCODER: Table = {
    r"encoder\.weight": r"embedding.weight",
    r"(rnn\.(?:weight|bias)_[ih]h_l\d+(?:_reverse)?)": r"\1",
}


def _text_encoder(state: State, system: str) -> dict[str, Converted]:
    part = "text encoder"
    entries, word_width = shape(state, "encoder.weight", system, part)  # [V,E]
    gates, direction = shape(state, "rnn.weight_hh_l0", system, part)  # [4H,H] or [3H,H]
    settings = {
        "width": 2 * direction,
        "word_width": word_width,
        "cell": "lstm" if gates == 4 * direction else "gru",
        "layers": count(state, r"rnn\.weight_hh_l(\d+)"),
    }
    renamed = rename(state, _TEXT_ENCODER, system, part)
    return {"text_encoder": Converted("bilstm", settings, renamed, source=TextSource(entries=entries))}


# ------------------------------------------------------------------------------------------------------------
# Image encoder

_IMAGE_ENCODER: Table = {
    r"emb_features\.weight": r"region_projection.weight",
    r"emb_cnn_code\.(weight|bias)": r"vector_projection.\1",
    r"((?:Conv2d|Mixed)_.+)": r"trunk.\1",
}


def _image_encoder(state: State, system: str) -> dict[str, Converted]:
    part = "image encoder"
    width, channels, _, _ = shape(state, "emb_features.weight", system, part)  # [D,K,1,1]
    renamed = rename(state, _IMAGE_ENCODER, system, part)
    renamed["region_projection.weight"] = renamed["region_projection.weight"].reshape(width, channels)
    settings = {"model": "inception_v3", "width": width, "pretrained": False}
    return {"image_encoder": Converted("timm", settings, renamed, text=TextSpec(width, words=True))}


# ------------------------------------------------------------------------------------------------------------
# Generator and conditioning

_CONDITIONING: Table = {r"ca_net\.(fc\.(?:weight|bias))": r"\1"}

STAGES: Table = {
    r"h_net1\.(fc\.[01]\..+)": r"first.\1",
    r"h_net1\.upsample(\d+)\.([12])(\..+)": lambda m: f"first.up.{int(m[1]) - 1}.{int(m[2]) - 1}{m[3]}",
    r"h_net(\d+)\.(residual\.\d+\.block\..+)": lambda m: f"later.{int(m[1]) - 2}.{m[2]}",
    r"h_net(\d+)\.upsample\.([12])(\..+)": lambda m: f"later.{int(m[1]) - 2}.up.{int(m[2]) - 1}{m[3]}",
    r"img_net(\d*)\.img\.0\.weight": lambda m: f"to_image.{int(m[1] or 1) - 1}.0.weight",
}
"""What the generators of StackGAN++ and AttnGAN have in common."""

_ATTENTION: Table = {
    r"h_net(\d+)\.att\.conv_context\.weight": lambda m: f"later.{int(m[1]) - 2}.attention.project.weight",
}


def resolutions_of(state: State) -> tuple[int, ...]:
    """The resolutions of a generator's stages, by their up-convolutions."""
    first = 4 << count(state, r"h_net1\.upsample(\d+)\.1\.weight")
    return tuple(first << i for i in range(count(state, r"h_net(\d+)\.(?:upsample|fc)\..+")))


def conditioning(state: State, system: str, part: str) -> Converted:
    """The conditioning in a generator's file."""
    gates, text_width = shape(state, "ca_net.fc.weight", system, part)  # [4C,D]
    inside = {name: tensor for name, tensor in state.items() if name.startswith("ca_net.")}
    renamed = rename(inside, _CONDITIONING, system, part)
    return Converted("augmentation", {"width": gates // 4}, renamed, text=TextSpec(text_width, words=True))


def _generator(state: State, system: str, image: str) -> dict[str, Converted]:
    part = "generator"
    condition = conditioning(state, system, part)
    code_width: int = condition.settings["width"]
    _, inputs = shape(state, "h_net1.fc.0.weight", system, part)  # [2*16*channels,C+Z]
    settings: dict[str, Any] = {
        "resolutions": resolutions_of(state),
        "images": "largest" if image == "img_net" else "all",
        "base_channels": shape(state, f"{image}.img.0.weight", system, part)[1],  # [3,K,3,3]
        "noise_width": inputs - code_width,
        "mask_layout": "attngan",
    }
    if len(settings["resolutions"]) > 1:
        settings["residual_blocks"] = count(state, r"h_net2\.residual\.(\d+)\.block\.0\.weight")

    own = {name: tensor for name, tensor in state.items() if not name.startswith("ca_net.")}
    renamed = rename(own, {**STAGES, **_ATTENTION}, system, part)
    for name, tensor in renamed.items():
        if name.endswith("attention.project.weight"):
            renamed[name] = tensor.flatten(1)  # [K,D,1,1] -> [K,D]
    return {
        "conditioning": condition,
        "generator": Converted(
            "attention-stages",
            settings,
            renamed,
            text=condition.text,
            condition=ConditionSpec(code_width),
        ),
    }


# ------------------------------------------------------------------------------------------------------------
# Discriminator

# Where the blocks of an image's way down stand in ours, by the resolution of the file
BLOCKS = {
    64: {},
    128: {"s32": 4, "s32_1": 5},
    256: {"s32": 4, "s64": 5, "s64_1": 6, "s64_2": 7},
}


def resolution_of(state: State) -> int:
    """The resolution that a discriminator's file judges, by its blocks."""
    return 256 if "img_code_s64.0.weight" in state else 128 if "img_code_s32.0.weight" in state else 64


def trunk(resolution: int) -> Table:
    """The way down of a discriminator's image, the same in StackGAN++ and AttnGAN."""
    network = f"networks.{resolution}"
    return {
        r"img_code_s16\.0\.weight": f"{network}.trunk.0.0.weight",
        # a strided convolution, its normalisation and a rectifier: 2 3 4, 5 6 7, 8 9 10
        r"img_code_s16\.([235689])\.(.+)": lambda m: (
            f"{network}.trunk.{(int(m[1]) + 1) // 3}.{(int(m[1]) + 1) % 3}.{m[2]}"
        ),
        **{
            rf"img_code_{block}\.([01]\..+)": rf"{network}.trunk.{place}.\1"
            for block, place in BLOCKS[resolution].items()
        },
    }


def _discriminator(state: State, system: str) -> dict[str, Converted]:
    part = "discriminator"
    base_channels = shape(state, "img_code_s16.0.weight", system, part)[0]  # [F,3,4,4]
    joint = shape(state, "COND_DNET.jointConv.0.weight", system, part)[1]  # [8F,8F+D,3,3]
    resolution = resolution_of(state)
    settings = {
        "base_channels": base_channels,
        "unconditional": "UNCOND_DNET.outlogits.0.weight" in state,
    }
    network = f"networks.{resolution}"
    table: Table = {
        **trunk(resolution),
        r"COND_DNET\.jointConv\.([01]\..+)": rf"{network}.joint.\1",
        r"COND_DNET\.outlogits\.0\.(weight|bias)": rf"{network}.conditional.\1",
        r"UNCOND_DNET\.outlogits\.0\.(weight|bias)": rf"{network}.unconditional.\1",
    }
    return {
        "discriminator": Converted(
            "pyramid",
            settings,
            rename(state, table, system, part),
            text=TextSpec(joint - 8 * base_channels, words=True),
            generator=GeneratorSpec((resolution,), noise_width=0),  # which the discriminator does not see
        )
    }
