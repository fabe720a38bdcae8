"""Names of pro_gan_pytorch's weights, version 3 (ProGAN, arXiv:1710.10196), and where they go.

Every size is read off the tensors: the letters in the comments are those of the parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from zoo_plugins.equalised import HE
from zoo_registry.contracts import ConditionSpec, Converted, GeneratorSpec, Importer, TextSpec

from .growing import drawing_layer, judging_layer, wide_until, widths_of
from .tables import State, Table, rename, shape

_SYSTEM = "ProGAN"


class ProGANImporter(Importer):
    """Files of pro_gan_pytorch 3.x: depth_*_epoch_*.bin.

    A state may be that of one network, or the whole of a file, whose names begin with generator.state_dict.
    and so on; the generator is then shadow_generator, the averaged one, where there is one. A name that
    ProGAN does not have, or one missing that a size is read from, raises ZooError. The tensors tell every
    size: `dims` is not read.
    """

    parts: ClassVar[tuple[str, ...]] = ("generator", "discriminator")
    recipe: ClassVar[str] = "progan"

    def within(self, part: str, file: Mapping[str, Any]) -> Mapping[str, Any]:
        """The network in a file of the whole GAN; of two generators the average, "shadow_generator"."""
        names = {"generator": ("shadow_generator", "generator"), "discriminator": ("discriminator",)}[part]
        network = next((file[name] for name in names if isinstance(file.get(name), Mapping)), file)
        state: Mapping[str, Any] = network.get("state_dict", network)
        return state

    def convert(self, part: str, state: Mapping[str, Tensor], **dims: Any) -> Mapping[str, Converted]:
        """`{part: converted}`."""
        convert = {"generator": _generator, "discriminator": _discriminator}[part]
        return {part: convert(_net(state, f"shadow_{part}") or _net(state, part) or state)}


def _net(state: State, net: str) -> State:
    """Of a whole file the tensors of one network, under their own names."""
    pattern = re.compile(rf"{net}\.state_dict\.(?:module\.)?(.+)")
    return {match[1]: tensor for name, tensor in state.items() if (match := pattern.fullmatch(name))}


# ------------------------------------------------------------------------------------------------------------
# Generator

_GENERATOR: Table = {
    r"layers\.(\d+)\.conv_([12])\.(weight|bias)": lambda m: drawing_layer(int(m[1]), int(m[2]), m[3]),
    r"rgb_converters\.(\d+)\.(weight|bias)": lambda m: f"to_image.{4 << int(m[1])}.{m[2]}",
}


def _generator(state: State) -> Converted:
    part = "generator"
    widths = widths_of(state, "rgb_converters.{}.weight", 1, _SYSTEM, part)  # [3,C,1,1]
    latent_width, width = shape(state, "layers.0.conv_1.weight", _SYSTEM, part)[:2]  # [Z,C,4,4]
    settings = {
        "depth": len(widths),
        "width": width,
        "wide_until": wide_until(widths),
        "latent_width": latent_width,
        "normalise_latent": True,
        "gain": HE,
    }
    renamed = rename(state, _GENERATOR, _SYSTEM, part)
    return Converted("progressive", settings, renamed, condition=ConditionSpec(0))


# ------------------------------------------------------------------------------------------------------------
# Discriminator


def _discriminator(state: State) -> Converted:
    part = "discriminator"
    # the original counts from the largest resolution down
    widths = widths_of(state, "from_rgb.{}.0.weight", 0, _SYSTEM, part)[::-1]  # [C,3,1,1]
    top = len(widths) - 1
    last_width, width = shape(state, f"layers.{top}.conv_2.weight", _SYSTEM, part)[:2]  # [last,C,4,4]
    settings = {
        "width": width,
        "wide_until": wide_until(widths),
        "last_width": last_width,
        "deviation_group": 4,
        "rectified_image": True,
        "gain": HE,
    }
    table: Table = {
        rf"layers\.{top}\.conv_1\.(weight|bias)": r"together.1.\1",
        rf"layers\.{top}\.conv_2\.(weight|bias)": r"logit.0.\1",
        rf"layers\.{top}\.conv_3\.(weight|bias)": r"logit.2.\1",
        r"layers\.(\d+)\.conv_([12])\.(weight|bias)": lambda m: judging_layer(
            top - int(m[1]), int(m[2]), m[3]
        ),
        r"from_rgb\.(\d+)\.0\.(weight|bias)": lambda m: f"from_image.{4 << (top - int(m[1]))}.0.{m[2]}",
    }
    return Converted(
        "progressive",
        settings,
        rename(state, table, _SYSTEM, part),
        text=TextSpec(0),
        generator=GeneratorSpec(tuple(4 << level for level in range(top + 1)), noise_width=0, growing=True),
    )
