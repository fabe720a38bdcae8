"""Names of the weights of GAN-CLS's PyTorch port (arXiv:1605.05396; aelnouby) and where they go.

Every size is read off the tensors: the letters in the comments are those of the parts, also P the projected
text's width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from zoo_registry.contracts import ConditionSpec, Converted, GeneratorSpec, Importer, TextSpec

from .char_cnn_rnn_text import text_encoder
from .tables import State, Table, count, rename, shape

_SYSTEM = "GAN-CLS"


class GANCLSImporter(Importer):
    """Files of the port, of 64 px or another resolution: a generator with its projection, a discriminator.

    The text encoder is char-CNN-RNN, in a file of its own. The port's discriminator has no 1x1 convolution
    over image and text (`joint = false`). A name that the port does not have, or one missing that a size is
    read from, raises ZooError. The tensors tell every size: `dims` is not read.
    """

    parts: ClassVar[tuple[str, ...]] = ("text_encoder", "generator", "discriminator")
    recipe: ClassVar[str] = "gan-cls-birds"

    def convert(self, part: str, state: Mapping[str, Tensor], **dims: Any) -> Mapping[str, Converted]:
        """`{kind: converted}`; a generator comes with its conditioning."""
        if part == "text_encoder":
            return {part: text_encoder(state)}
        return {"generator": _generator, "discriminator": _discriminator}[part](state)


_PROJECTION: Table = {
    r"projection\.0\.(weight|bias)": r"fc.\1",
    r"projection\.1\.(.+)": r"norm.\1",
}


def _generator(state: State) -> dict[str, Converted]:
    part = "generator"
    projected, text_width = shape(state, "projection.0.weight", _SYSTEM, part)  # [P,D]
    inputs = shape(state, "netG.0.weight", _SYSTEM, part)[0]  # [P+Z,F*2^n,4,4]
    # a convolution, its normalisation and a rectifier: 0 1 2, 3 4 5, ...; the last convolution has tanh alone
    blocks = count(state, r"netG\.(\d+)\.running_mean")
    last = f"netG.{3 * blocks}.weight"
    settings = {
        "resolution": 8 << (blocks - 1),
        "base_channels": shape(state, last, _SYSTEM, part)[0],  # [F,3,4,4]
        "noise_width": inputs - projected,
    }
    inside = {name: tensor for name, tensor in state.items() if name.startswith("projection.")}
    own = {name: tensor for name, tensor in state.items() if name not in inside}
    table: Table = {
        rf"netG\.{3 * blocks}\.weight": "to_image.0.weight",
        r"netG\.(\d+)\.(.+)": lambda m: f"blocks.{int(m[1]) // 3}.{int(m[1]) % 3}.{m[2]}",
    }
    text, condition = TextSpec(text_width), ConditionSpec(projected)
    return {
        "conditioning": Converted(
            "projection",
            {"width": projected, "batch_norm": True},
            rename(inside, _PROJECTION, _SYSTEM, part),
            text=text,
        ),
        "generator": Converted(
            "dcgan", settings, rename(own, table, _SYSTEM, part), text=text, condition=condition
        ),
    }


def _discriminator(state: State) -> dict[str, Converted]:
    part = "discriminator"
    base_channels = shape(state, "netD_1.0.weight", _SYSTEM, part)[0]  # [F,3,4,4]
    projected, text_width = shape(state, "projector.projection.0.weight", _SYSTEM, part)  # [P,D]
    downsamplings = 1 + count(state, r"netD_1\.(\d+)\.running_mean")
    joint = shape(state, "netD_2.0.weight", _SYSTEM, part)[2] == 1  # [K,K+P,1,1], else [1,K+P,4,4]
    head = "heads.conditional"
    table: Table = {
        r"netD_1\.0\.weight": "trunk.0.0.weight",
        # a strided convolution, its normalisation and a rectifier: 2 3 4, 5 6 7, ...
        r"netD_1\.(\d+)\.(.+)": lambda m: f"trunk.{(int(m[1]) + 1) // 3}.{(int(m[1]) + 1) % 3}.{m[2]}",
        r"projector\.projection\.([01]\..+)": rf"{head}.project.\1",
        **({r"netD_2\.([01]\..+)": rf"{head}.joint.\1"} if joint else {}),
        r"netD_2\.[03]\.weight": f"{head}.logits.weight",
    }
    return {
        "discriminator": Converted(
            "dcgan",
            {"base_channels": base_channels, "text_width": projected, "joint": joint},
            rename(state, table, _SYSTEM, part),
            text=TextSpec(text_width),
            generator=GeneratorSpec(
                (4 << downsamplings,), noise_width=0
            ),  # which the discriminator does not see
        )
    }
