"""Names of T2F's own weights (github.com/akanimax/T2F, authors' code) and where they go.

Every size is read off the tensors: the letters in the comments are those of the parts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from zoo_registry.contracts import ConditionSpec, Converted, GeneratorSpec, Importer, TextSpec

from .growing import drawing_layer, judging_layer, wide_until, widths_of
from .t2f_text import conditioning, text_encoder
from .tables import State, Table, rename, shape

_SYSTEM = "T2F"


class T2FImporter(Importer):
    """Files of T2F: Encoder_*.pth, Condition_Augmentor_*.pth, GAN_GEN_*.pth and GAN_DIS_*.pth.

    Its equalised layers generate their run-time scale anew at every start and do not store it; the weights
    are read with the scale's expectation. A generator's file does not tell how much of the latent is the
    conditioning's code: `condition`, 0 if not given. A name that T2F does not have, or one missing that a
    size is read from, raises ZooError.
    """

    parts: ClassVar[tuple[str, ...]] = ("text_encoder", "conditioning", "generator", "discriminator")
    recipe: ClassVar[str] = "t2f-code"

    def convert(self, part: str, state: Mapping[str, Tensor], **dims: Any) -> Mapping[str, Converted]:
        """`{part: converted}`."""
        if part == "generator":
            return _generator(state, dims.get("condition", 0))
        convert = {
            "text_encoder": text_encoder,
            "conditioning": conditioning,
            "discriminator": _discriminator,
        }
        return convert[part](state)


# ------------------------------------------------------------------------------------------------------------
# Generator

_GENERATOR: Table = {
    r"initial_block\.conv_([12])\.(?:(?:de)?conv\.)?(weight|bias)": lambda m: drawing_layer(
        0, int(m[1]), m[2]
    ),
    r"layers\.(\d+)\.conv_([12])\.(?:conv\.)?(weight|bias)": lambda m: drawing_layer(
        int(m[1]) + 1, int(m[2]), m[3]
    ),
    r"rgb_converters\.(\d+)\.(?:conv\.)?(weight|bias)": lambda m: f"to_image.{4 << int(m[1])}.{m[2]}",
}


def _generator(state: State, condition: int) -> dict[str, Converted]:
    part = "generator"
    latent_width, width = shape(state, "initial_block.conv_1.deconv.weight", _SYSTEM, part)[:2]  # [Z,C,4,4]
    widths = widths_of(state, "rgb_converters.{}.conv.weight", 1, _SYSTEM, part)  # [3,C,1,1]
    settings = {
        "depth": len(widths),
        "width": width,
        "wide_until": wide_until(widths),
        "latent_width": latent_width,
        "normalise_latent": False,
        "gain": 1.0,
    }
    renamed = rename(state, _GENERATOR, _SYSTEM, part)
    # T2F counts 16 inputs a channel for an output of its first layer, which has one a channel of the latent
    renamed["blocks.4.0.weight"] = renamed["blocks.4.0.weight"] * math.sqrt(latent_width / (16 * width))
    return {"generator": Converted("progressive", settings, renamed, condition=ConditionSpec(condition))}


# ------------------------------------------------------------------------------------------------------------
# Discriminator

_DISCRIMINATOR: Table = {
    r"rgb_to_features\.(\d+)\.(?:conv\.)?(weight|bias)": lambda m: f"from_image.{4 << int(m[1])}.0.{m[2]}",
    r"layers\.(\d+)\.conv_([12])\.(?:conv\.)?(weight|bias)": lambda m: judging_layer(
        int(m[1]) + 1, int(m[2]), m[3]
    ),
    r"final_block\.compressor\.(?:linear\.)?(weight|bias)": r"compress.\1",
    r"final_block\.conv_1\.(?:conv\.)?(weight|bias)": r"together.1.\1",
    r"final_block\.conv_2\.(?:conv\.)?(weight|bias)": r"joint.0.\1",
    r"final_block\.conv_3\.(?:conv\.)?(weight|bias)": r"logit.0.\1",
    r"final_block\.conv_4\.(?:conv\.)?(weight|bias)": r"logit.2.\1",
}


def _discriminator(state: State) -> dict[str, Converted]:
    part = "discriminator"
    compressed, text_width = shape(state, "final_block.compressor.linear.weight", _SYSTEM, part)
    last_width, width = shape(state, "final_block.conv_3.conv.weight", _SYSTEM, part)[:2]  # [last,C,4,4]
    widths = widths_of(state, "rgb_to_features.{}.conv.weight", 0, _SYSTEM, part)  # [C,3,1,1]
    resolutions = tuple(4 << level for level in range(len(widths)))
    settings = {
        "width": width,
        "wide_until": wide_until(widths),
        "last_width": last_width,
        "compressed_width": compressed,
        "deviation_group": "batch",
        "rectified_image": False,
        "gain": 1.0,
    }
    return {
        "discriminator": Converted(
            "progressive",
            settings,
            rename(state, _DISCRIMINATOR, _SYSTEM, part),
            text=TextSpec(text_width),
            generator=GeneratorSpec(resolutions, noise_width=0, growing=True),
        )
    }
