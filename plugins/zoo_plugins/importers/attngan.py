"""Names of AttnGAN's own weights (arXiv:1711.10485, authors' code) and where they go.

Every size is read off the tensors: the letters in the comments are those of the parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from torch import Tensor

from zoo_registry.contracts import (
    ConditionSpec,
    Converted,
    GeneratorSpec,
    Importer,
    TextSource,
    TextSpec,
)
from zoo_registry.errors import ZooError

State = Mapping[str, Tensor]
Table = Mapping[
    str, str | Callable[[re.Match[str]], str]
]  # pattern of an old name: template or function of ours


class AttnGANImporter(Importer):
    """Files of the authors' AttnGAN: bird_AttnGAN2.pth, netD0.pth and the two encoders of DAMSM.

    A generator's file holds its conditioning too, and a discriminator's file one side. A name that AttnGAN
    does not have, or one missing that a size is read from, raises ZooError. The tensors tell every size:
    `dims` is not read.
    """

    parts: ClassVar[tuple[str, ...]] = ("text_encoder", "image_encoder", "generator", "discriminator")

    def convert(self, part: str, state: Mapping[str, Tensor], **dims: Any) -> Mapping[str, Converted]:
        """`{kind: converted}`; a generator comes with its conditioning and its mask layout."""
        return {
            "text_encoder": _text_encoder,
            "image_encoder": _image_encoder,
            "generator": _generator,
            "discriminator": _discriminator,
        }[part](state)


# ------------------------------------------------------------------------------------------------------------
# Text encoder

_TEXT_ENCODER: Table = {
    r"encoder\.weight": r"embedding.weight",
    r"(rnn\.(?:weight|bias)_[ih]h_l\d+(?:_reverse)?)": r"\1",
}


def _text_encoder(state: State) -> dict[str, Converted]:
    part = "text encoder"
    entries, word_width = _shape(state, "encoder.weight", part)  # [V,E]
    gates, direction = _shape(state, "rnn.weight_hh_l0", part)  # [4H,H] or [3H,H]
    settings = {
        "width": 2 * direction,
        "word_width": word_width,
        "cell": "lstm" if gates == 4 * direction else "gru",
        "layers": _count(state, r"rnn\.weight_hh_l(\d+)"),
    }
    renamed = _rename(state, _TEXT_ENCODER, part)
    return {"text_encoder": Converted("bilstm", settings, renamed, source=TextSource(entries=entries))}


# ------------------------------------------------------------------------------------------------------------
# Image encoder

_IMAGE_ENCODER: Table = {
    r"emb_features\.weight": r"region_projection.weight",
    r"emb_cnn_code\.(weight|bias)": r"vector_projection.\1",
    r"((?:Conv2d|Mixed)_.+)": r"trunk.\1",
}


def _image_encoder(state: State) -> dict[str, Converted]:
    part = "image encoder"
    width, channels, _, _ = _shape(state, "emb_features.weight", part)  # [D,K,1,1]
    renamed = _rename(state, _IMAGE_ENCODER, part)
    renamed["region_projection.weight"] = renamed["region_projection.weight"].reshape(width, channels)
    settings = {"model": "inception_v3", "width": width, "pretrained": False}
    return {"image_encoder": Converted("timm", settings, renamed, text=TextSpec(width, words=True))}


# ------------------------------------------------------------------------------------------------------------
# Generator and conditioning

_CONDITIONING: Table = {r"ca_net\.(fc\.(?:weight|bias))": r"\1"}

_GENERATOR: Table = {
    r"h_net1\.(fc\.[01]\..+)": r"first.\1",
    r"h_net1\.upsample(\d+)\.([12])(\..+)": lambda m: f"first.up.{int(m[1]) - 1}.{int(m[2]) - 1}{m[3]}",
    r"h_net(\d+)\.att\.conv_context\.weight": lambda m: f"later.{int(m[1]) - 2}.attention.project.weight",
    r"h_net(\d+)\.(residual\.\d+\.block\..+)": lambda m: f"later.{int(m[1]) - 2}.{m[2]}",
    r"h_net(\d+)\.upsample\.([12])(\..+)": lambda m: f"later.{int(m[1]) - 2}.up.{int(m[2]) - 1}{m[3]}",
    r"img_net(\d+)\.img\.0\.weight": lambda m: f"to_image.{int(m[1]) - 1}.0.weight",
}


def _generator(state: State) -> dict[str, Converted]:
    part = "generator"
    gates, text_width = _shape(state, "ca_net.fc.weight", part)  # [4C,D]
    code_width = gates // 4
    _, inputs = _shape(state, "h_net1.fc.0.weight", part)  # [2*16*channels,C+Z]
    base_channels = _shape(state, "img_net1.img.0.weight", part)[1]  # [3,K,3,3]
    first_side = 4 << _count(state, r"h_net1\.upsample(\d+)\.1\.weight")
    settings: dict[str, Any] = {
        "sides": tuple(first_side << i for i in range(_count(state, r"img_net(\d+)\.img\.0\.weight"))),
        "base_channels": base_channels,
        "noise_width": inputs - code_width,
        "mask_layout": "attngan",
    }
    if blocks := _count(state, r"h_net2\.residual\.(\d+)\.block\.0\.weight"):
        settings["residual_blocks"] = blocks

    inside = {name: tensor for name, tensor in state.items() if name.startswith("ca_net.")}
    renamed = _rename(
        {name: tensor for name, tensor in state.items() if name not in inside}, _GENERATOR, part
    )
    for name, tensor in renamed.items():
        if name.endswith("attention.project.weight"):
            renamed[name] = tensor.flatten(1)  # [K,D,1,1] -> [K,D]
    text = TextSpec(text_width, words=True)
    return {
        "conditioning": Converted(
            "augmentation", {"width": code_width}, _rename(inside, _CONDITIONING, part), text=text
        ),
        "generator": Converted(
            "attention-stages", settings, renamed, text=text, condition=ConditionSpec(code_width)
        ),
    }


# ------------------------------------------------------------------------------------------------------------
# Discriminator

# Where the blocks of an image's way down stand in ours, by the side of the file
_BLOCKS = {
    64: {},
    128: {"s32": 4, "s32_1": 5},
    256: {"s32": 4, "s64": 5, "s64_1": 6, "s64_2": 7},
}


def _discriminator(state: State) -> dict[str, Converted]:
    part = "discriminator"
    base_channels = _shape(state, "img_code_s16.0.weight", part)[0]  # [F,3,4,4]
    joint = _shape(state, "COND_DNET.jointConv.0.weight", part)[1]  # [8F,8F+D,3,3]
    side = 256 if "img_code_s64.0.weight" in state else 128 if "img_code_s32.0.weight" in state else 64
    settings = {
        "base_channels": base_channels,
        "unconditional": "UNCOND_DNET.outlogits.0.weight" in state,
    }
    network = f"networks.{side}"
    table: Table = {
        r"img_code_s16\.0\.weight": f"{network}.trunk.0.0.weight",
        # a strided convolution, its normalisation and a rectifier: 2 3 4, 5 6 7, 8 9 10
        r"img_code_s16\.([235689])\.(.+)": lambda m: (
            f"{network}.trunk.{(int(m[1]) + 1) // 3}.{(int(m[1]) + 1) % 3}.{m[2]}"
        ),
        **{
            rf"img_code_{block}\.([01]\..+)": rf"{network}.trunk.{place}.\1"
            for block, place in _BLOCKS[side].items()
        },
        r"COND_DNET\.jointConv\.([01]\..+)": rf"{network}.joint.\1",
        r"COND_DNET\.outlogits\.0\.(weight|bias)": rf"{network}.conditional.\1",
        r"UNCOND_DNET\.outlogits\.0\.(weight|bias)": rf"{network}.unconditional.\1",
    }
    return {
        "discriminator": Converted(
            "pyramid",
            settings,
            _rename(state, table, part),
            text=TextSpec(joint - 8 * base_channels, words=True),
            generator=GeneratorSpec((side,), noise_width=0),  # which the discriminator does not see
        )
    }


# ------------------------------------------------------------------------------------------------------------
# Reading


def _shape(state: State, name: str, part: str) -> tuple[int, ...]:
    if name not in state:
        found = ", ".join(list(state)[:3]) or "nothing"
        raise ZooError(
            f"not the weights of an AttnGAN {part}: they would hold {name!r}; these begin with {found}"
        )
    return tuple(state[name].shape)


def _count(state: State, pattern: str) -> int:
    """How many different numbers stand in the names that match."""
    return len({match[1] for name in state if (match := re.fullmatch(pattern, name))})


def _rename(state: State, table: Table, part: str) -> dict[str, Tensor]:
    """The tensors under our names; ZooError if there are any that the table has no place for."""
    renamed, unknown = {}, []
    for name, tensor in state.items():
        for pattern, ours in table.items():
            if match := re.fullmatch(pattern, name):
                renamed[match.expand(ours) if isinstance(ours, str) else ours(match)] = tensor
                break
        else:
            unknown.append(name)
    if unknown:
        raise ZooError(f"an AttnGAN {part} has no place for these weights: {', '.join(unknown)}")
    return renamed
