"""Parts of kind `discriminator`, one per file; listed here."""

from __future__ import annotations

from zoo_registry import Component

COMPONENTS: tuple[Component, ...] = (
    Component(
        kind="discriminator",
        name="pyramid",
        target="zoo_plugins.discriminators.pyramid:Pyramid",
        summary="One network per resolution, with a conditional and an unconditional head",
        paper="arXiv:1711.10485",
        needs={"fixed-resolutions"},
    ),
    Component(
        kind="discriminator",
        name="dcgan",
        target="zoo_plugins.discriminators.dcgan:DCGAN",
        summary="Strided convolutions on the largest image, which its sentence joins at 4x4",
        paper="arXiv:1605.05396",
        needs={"fixed-resolutions"},
    ),
    Component(
        kind="discriminator",
        name="dcgan-residual",
        target="zoo_plugins.discriminators.dcgan_residual:DCGANResidual",
        summary="dcgan with the residual block of GAN-CLS's own code",
        paper="arXiv:1605.05396",
        needs={"fixed-resolutions"},
    ),
    Component(
        kind="discriminator",
        name="one-way",
        target="zoo_plugins.discriminators.one_way:OneWay",
        summary="One logit for the largest image together with its sentence",
        paper="arXiv:2008.05865",
        needs={"fixed-resolutions"},
    ),
    Component(
        kind="discriminator",
        name="projected",
        target="zoo_plugins.discriminators.projected:Projected",
        summary="Small heads on a frozen pretrained network, each with a projection of the sentence",
        paper="arXiv:2111.01007",
    ),
    Component(
        kind="discriminator",
        name="progressive",
        target="zoo_plugins.discriminators.progressive:ProgressiveDiscriminator",
        summary="Grows from 4x4, one resolution at a time; the sentence joins its last block",
        paper="arXiv:1710.10196",
        needs={"growing"},
    ),
    Component(
        kind="discriminator",
        name="contrastive",
        target="zoo_plugins.discriminators.contrastive:ContrastiveDiscriminator",
        summary="Grows; matches images and captions in a space of their own",
        paper="arXiv:2101.04702",
        gives={"match", "redescription"},
        given_if={"redescription": "redescribes"},
        needs={"growing", "words"},
    ),
)
