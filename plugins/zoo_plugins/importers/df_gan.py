"""Names of DF-GAN's own weights (arXiv:2008.05865, released weights of 2022) and where they go.

Every size is read off the tensors: the letters in the comments are those of the parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from zoo_registry.contracts import ConditionSpec, Converted, GeneratorSpec, TextSpec
from zoo_registry.errors import ZooError

from .stages import StagesImporter
from .tables import State, Table, count, rename, shape

_SYSTEM = "DF-GAN"


class DFGANImporter(StagesImporter):
    """Files of the authors' DF-GAN: state_epoch_*.pth, and AttnGAN's two encoders, with which it was trained.

    One file holds the networks netG, netD and netC; the discriminator is netD and netC together. A state may
    also be a network's own, with netD's and netC's in one.
    """

    recipe: ClassVar[str] = "df-gan-birds"
    system: ClassVar[str] = _SYSTEM

    def within(self, part: str, file: Mapping[str, Any]) -> Mapping[str, Any]:
        """The part's networks in a file with several, or the file itself."""
        nets = {"generator": ("netG",), "discriminator": ("netD", "netC")}.get(part, ())
        return {name: tensor for net in nets for name, tensor in file.get(net, {}).items()} or file

    def convert(self, part: str, state: Mapping[str, Tensor], **dims: Any) -> Mapping[str, Converted]:
        """`{kind: converted}`; a generator comes with the conditioning that hands it the raw sentence."""
        if part == "generator":
            return _generator(state)
        if part == "discriminator":
            return _discriminator(state)
        return super().convert(part, state, **dims)


# ------------------------------------------------------------------------------------------------------------
# Generator

_FUSION = {"gamma": "scale", "beta": "shift"}

_GENERATOR: Table = {
    r"(fc\.(?:weight|bias))": r"\1",
    r"GBlocks\.(\d+)\.c1\.weight": r"blocks.\1.conv1.weight",
    r"GBlocks\.(\d+)\.c1\.bias": r"blocks.\1.bias1",
    r"GBlocks\.(\d+)\.c2\.(weight|bias)": r"blocks.\1.conv2.\2",
    r"GBlocks\.(\d+)\.c_sc\.(weight|bias)": r"blocks.\1.shortcut.\2",
    r"GBlocks\.(\d+)\.(fuse[12])\.affine([01])\.fc_(gamma|beta)\.linear([12])\.(weight|bias)": lambda m: (
        f"blocks.{m[1]}.{m[2]}.affines.{m[3]}.{_FUSION[m[4]]}.{2 * int(m[5]) - 2}.{m[6]}"
    ),
    r"to_rgb\.(1\.(?:weight|bias))": r"to_image.\1",
}


def _generator(state: State) -> dict[str, Converted]:
    part = "generator"
    noise_width = shape(state, "fc.weight", _SYSTEM, part)[1]  # [16*8F,Z]
    affine = "GBlocks.0.fuse1.affine0.fc_gamma.linear1.weight"
    text_width = shape(state, affine, _SYSTEM, part)[1] - noise_width  # [8F,Z+D]
    settings = {
        "resolution": 4 << count(state, r"GBlocks\.(\d+)\.c1\.weight"),
        "base_channels": shape(state, "to_rgb.1.weight", _SYSTEM, part)[1],  # [3,F,3,3]
        "noise_width": noise_width,
    }
    renamed = rename(state, _GENERATOR, _SYSTEM, part)
    for name, tensor in renamed.items():
        if name.endswith("bias1"):
            renamed[name] = tensor[:, None, None]  # [K] -> [K,1,1]
    return {
        "conditioning": Converted("identity", {}, {}, text=TextSpec(text_width, words=True)),
        "generator": Converted("deep-fusion", settings, renamed, condition=ConditionSpec(text_width)),
    }


# ------------------------------------------------------------------------------------------------------------
# Discriminator

_DISCRIMINATOR: Table = {
    r"conv_img\.(weight|bias)": r"first.\1",
    r"DBlocks\.(\d+)\.gamma": r"blocks.\1.share",
    r"DBlocks\.(\d+)\.conv_r\.([02])\.weight": r"blocks.\1.residual.\2.weight",
    r"DBlocks\.(\d+)\.conv_s\.(weight|bias)": r"blocks.\1.shortcut.\2",
    r"joint_conv\.([02])\.weight": r"joint.\1.weight",
}


def _discriminator(state: State) -> dict[str, Converted]:
    part = "discriminator"
    base_channels = shape(state, "conv_img.weight", _SYSTEM, part)[0]  # [F,3,3,3]
    if "joint_conv.0.weight" not in state:
        raise ZooError(
            "a DF-GAN discriminator is its networks netD and netC in one state; this one lacks netC's, "
            "'joint_conv.0.weight' among them"
        )
    joint = shape(state, "joint_conv.0.weight", _SYSTEM, part)[1]  # [2F,8F+D,3,3]
    blocks = count(state, r"DBlocks\.(\d+)\.gamma")
    features = shape(state, f"DBlocks.{blocks - 1}.conv_r.0.weight", _SYSTEM, part)[0]  # [8F,K,4,4]
    used = {name: tensor for name, tensor in state.items() if not _unused(name, state)}
    return {
        "discriminator": Converted(
            "one-way",
            {"base_channels": base_channels},
            rename(used, _DISCRIMINATOR, _SYSTEM, part),
            text=TextSpec(joint - features),
            generator=GeneratorSpec((4 << blocks,), noise_width=0),  # which the discriminator does not see
        )
    }


def _unused(name: str, state: State) -> bool:
    """Whether it belongs to a shortcut that the authors' code makes but, at equal widths, does not use."""
    if (match := re.fullmatch(r"(DBlocks\.\d+)\.conv_s\..+", name)) is None:
        return False
    kernel = state.get(f"{match[1]}.conv_s.weight")  # [wide,narrow,1,1]
    return kernel is not None and kernel.shape[0] == kernel.shape[1]
