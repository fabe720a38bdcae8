"""Parts of kind `generator`, one per file; listed here."""

from __future__ import annotations

from zoo_registry import Component

COMPONENTS: tuple[Component, ...] = (
    Component(
        kind="generator",
        name="attention-stages",
        target="zoo_plugins.generators.attention_stages:AttentionStages",
        summary="Stages of doubling resolutions; each later one attends to the words",
        paper="arXiv:1711.10485",
        gives={"fixed-resolutions"},
        needs={"words"},
    ),
    Component(
        kind="generator",
        name="joint-stages",
        target="zoo_plugins.generators.joint_stages:JointStages",
        summary="Stages of doubling resolutions; each later one gets the code again",
        paper="arXiv:1710.10916",
        gives={"fixed-resolutions"},
    ),
    Component(
        kind="generator",
        name="dcgan",
        target="zoo_plugins.generators.dcgan:DCGAN",
        summary="One stage of transposed convolutions from code and noise",
        paper="arXiv:1605.05396",
        gives={"fixed-resolutions"},
    ),
    Component(
        kind="generator",
        name="dcgan-residual",
        target="zoo_plugins.generators.dcgan_residual:DCGANResidual",
        summary="dcgan with the residual blocks of GAN-CLS's own code",
        paper="arXiv:1605.05396",
        gives={"fixed-resolutions"},
    ),
    Component(
        kind="generator",
        name="memory-stages",
        target="zoo_plugins.generators.memory_stages:MemoryStages",
        summary="Stages of doubling resolutions; each later one reads a memory of the words",
        paper="arXiv:1904.01310",
        gives={"fixed-resolutions"},
        needs={"words"},
    ),
    Component(
        kind="generator",
        name="deep-fusion",
        target="zoo_plugins.generators.deep_fusion:DeepFusion",
        summary="One stage; noise and sentence scale and shift its channels all the way",
        paper="arXiv:2008.05865",
        gives={"fixed-resolutions"},
    ),
    Component(
        kind="generator",
        name="progressive",
        target="zoo_plugins.generators.progressive:ProgressiveGenerator",
        summary="Grows from 4x4, one resolution at a time; with text or without",
        paper="arXiv:1710.10196",
        gives={"growing"},
    ),
    Component(
        kind="generator",
        name="progressive-attention",
        target="zoo_plugins.generators.progressive_attention:ProgressiveAttentionGenerator",
        summary="Grows from 4x4, one resolution at a time; its maps attend to the words",
        paper="arXiv:1710.10196",
        gives={"growing"},
        needs={"words"},
    ),
    Component(
        kind="generator",
        name="modulated",
        target="zoo_plugins.generators.modulated:ModulatedGenerator",
        summary="Grows; noise and sentence modulate every layer, words every place",
        paper="arXiv:1912.04958",
        gives={"growing"},
        needs={"words"},
    ),
)
