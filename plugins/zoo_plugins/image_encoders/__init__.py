"""Parts of kind `image_encoder`, one per file; listed here."""

from __future__ import annotations

from zoo_registry import Component

COMPONENTS: tuple[Component, ...] = (
    Component(
        kind="image_encoder",
        name="timm",
        target="zoo_plugins.image_encoders.timm_model:TimmEncoder",
        summary="Any timm model, projected to the text's width: a vector and a map of regions",
        paper="arXiv:1711.10485",
        gives={"regions"},
    ),
    Component(
        kind="image_encoder",
        name="conv",
        target="zoo_plugins.image_encoders.conv:ConvEncoder",
        summary="A few strided convolutions, learnt from nothing: a vector and a map of regions",
        paper="arXiv:1605.05396",
        gives={"regions"},
    ),
    Component(
        kind="image_encoder",
        name="residual",
        target="zoo_plugins.image_encoders.residual:ResidualEncoder",
        summary="The residual trunk of the discriminator that is called contrastive",
        paper="arXiv:1912.04958",
        gives={"regions", "redescription"},
        given_if={"redescription": "redescribes"},
    ),
)
