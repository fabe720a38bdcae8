"""Names of StackGAN++'s own weights (arXiv:1710.10916, authors' code) and where they go.

Every size is read off the tensors: the letters in the comments are those of the parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from zoo_registry.contracts import ConditionSpec, Converted, GeneratorSpec, Importer, TextSpec

from .char_cnn_rnn_text import text_encoder
from .stages import STAGES, conditioning, resolution_of, resolutions_of, trunk, with_counts
from .tables import State, Table, count, rename, shape

_SYSTEM = "StackGAN++"


class StackGAN2Importer(Importer):
    """Files of the authors' StackGAN++: netG_210000.pth and netD0.pth, with text or without.

    With text, char-CNN-RNN reads it, which has a file of its own.
    A generator's file holds its conditioning too, unless it is one without text, and a discriminator's file
    one resolution, 64 to 256. A name that StackGAN++ does not have, or one missing that a size is read from,
    raises ZooError. The tensors tell every size: `dims` is not read.
    """

    parts: ClassVar[tuple[str, ...]] = ("text_encoder", "generator", "discriminator")
    recipe: ClassVar[str] = "stackgan2-birds"

    def convert(self, part: str, state: Mapping[str, Tensor], **dims: Any) -> Mapping[str, Converted]:
        """`{kind: converted}`; a generator comes with its conditioning, if it has one."""
        if part == "text_encoder":
            return {part: text_encoder(state)}
        return {"generator": _generator, "discriminator": _discriminator}[part](with_counts(state))


_JOINT: Table = {
    r"h_net(\d+)\.jointConv\.0\.weight": lambda m: f"later.{int(m[1]) - 2}.joint.weight",
    r"h_net(\d+)\.jointConv\.1\.(.+)": lambda m: f"later.{int(m[1]) - 2}.joint_norm.{m[2]}",
}


def _generator(state: State) -> dict[str, Converted]:
    part = "generator"
    _, inputs = shape(state, "h_net1.fc.0.weight", _SYSTEM, part)  # [2*16*channels,C+Z]
    given = {}
    code_width = 0
    if "ca_net.fc.weight" in state:
        given["conditioning"] = conditioning(state, _SYSTEM, part)
        code_width = given["conditioning"].settings["width"]
    settings: dict[str, Any] = {
        "resolutions": resolutions_of(state),
        "base_channels": shape(state, "img_net1.img.0.weight", _SYSTEM, part)[1],  # [3,K,3,3]
        "noise_width": inputs - code_width,
    }
    if len(settings["resolutions"]) > 1:
        settings["residual_blocks"] = count(state, r"h_net2\.residual\.(\d+)\.block\.0\.weight")
    own = {name: tensor for name, tensor in state.items() if not name.startswith("ca_net.")}
    renamed = rename(own, {**STAGES, **_JOINT}, _SYSTEM, part)
    generator = Converted("joint-stages", settings, renamed, condition=ConditionSpec(code_width))
    return {**given, "generator": generator}


def _discriminator(state: State) -> dict[str, Converted]:
    part = "discriminator"
    base_channels = shape(state, "img_code_s16.0.weight", _SYSTEM, part)[0]  # [F,3,4,4]
    shape(state, "logits.0.weight", _SYSTEM, part)
    conditional = "jointConv.0.weight" in state
    width = state["jointConv.0.weight"].shape[1] - 8 * base_channels if conditional else 0  # [8F,C+8F,3,3]
    resolution = resolution_of(state)
    network = f"networks.{resolution}"
    table: Table = {
        **trunk(resolution),
        r"jointConv\.([01]\..+)": rf"{network}.joint.\1",
        r"logits\.0\.(weight|bias)": rf"{network}.{'conditional' if conditional else 'unconditional'}.\1",
        r"uncond_logits\.0\.(weight|bias)": rf"{network}.unconditional.\1",
    }
    renamed = rename(state, table, _SYSTEM, part)
    if conditional:  # theirs has the code before the image, ours after it
        code, image = renamed[f"{network}.joint.0.weight"].split([width, 8 * base_channels], dim=1)
        renamed[f"{network}.joint.0.weight"] = torch.cat([image, code], dim=1)
    settings = {
        "base_channels": base_channels,
        "unconditional": not conditional or "uncond_logits.0.weight" in state,
    }
    return {
        "discriminator": Converted(
            "pyramid",
            settings,
            renamed,
            text=TextSpec(width),
            generator=GeneratorSpec((resolution,), noise_width=0),  # which the discriminator does not see
        )
    }
