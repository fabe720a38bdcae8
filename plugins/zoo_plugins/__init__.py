"""The zoo's own parts and recipes, offered through the same door as everybody's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from zoo_registry import Component, hookimpl

_ATTNGAN = "arXiv:1711.10485"
_STACKGAN = "arXiv:1612.03242"


@hookimpl
def zoo_components() -> Iterable[Component]:
    """Every part of this distribution, by kind."""
    return (
        Component(
            kind="text_encoder",
            name="bilstm",
            target="zoo_plugins.text_encoders.bilstm:BiLSTM",
            summary="Bidirectional LSTM or GRU over words: a sentence and a vector a word",
            paper=_ATTNGAN,
            gives={"words"},
        ),
        Component(
            kind="image_encoder",
            name="timm",
            target="zoo_plugins.image_encoders.timm_model:TimmEncoder",
            summary="Any timm model, projected to the text's width: a vector and a map of regions",
            paper=_ATTNGAN,
            gives={"regions"},
        ),
        Component(
            kind="conditioning",
            name="augmentation",
            target="zoo_plugins.conditioning.augmentation:ConditioningAugmentation",
            summary="The sentence as a Gaussian from which the code is drawn",
            paper=_STACKGAN,
            gives={"gaussian"},
        ),
        Component(
            kind="generator",
            name="attention-stages",
            target="zoo_plugins.generators.attention_stages:AttentionStages",
            summary="Stages of doubling sides; each later one attends to the words",
            paper=_ATTNGAN,
            needs={"words"},
        ),
        Component(
            kind="discriminator",
            name="pyramid",
            target="zoo_plugins.discriminators.pyramid:Pyramid",
            summary="One network a side, with a conditional and an unconditional head",
            paper=_ATTNGAN,
        ),
        Component(
            kind="loss",
            name="bce",
            target="zoo_plugins.losses.bce:BinaryCrossEntropy",
            summary="Real, drawn and mismatched pairs by cross entropy, conditional and unconditional",
            paper=_ATTNGAN,
        ),
        Component(
            kind="loss",
            name="damsm",
            target="zoo_plugins.losses.damsm:DAMSM",
            summary="Matching of words with regions and of sentences with images",
            paper=_ATTNGAN,
            needs={"words", "regions"},
        ),
        Component(
            kind="loss",
            name="kl",
            target="zoo_plugins.losses.kl:KL",
            summary="Keeps the conditioning's Gaussian near the standard normal",
            paper=_STACKGAN,
            needs={"gaussian"},
        ),
        Component(
            kind="dataset",
            name="cub",
            target="zoo_plugins.datasets.cub:CubFolder",
            summary="CUB-200-2011 with Reed's captions",
        ),
        Component(
            kind="dataset",
            name="folder",
            target="zoo_plugins.datasets.imagefolder:ImageFolder",
            summary="Hugging Face imagefolder: metadata.jsonl or metadata.csv beside the pictures",
        ),
        Component(
            kind="dataset",
            name="aviary",
            target="zoo_plugins.datasets.aviary:Aviary",
            summary="Birds drawn by a procedure, ten captions each",
        ),
        Component(
            kind="importer",
            name="attngan",
            target="zoo_plugins.importers.attngan:AttnGANImporter",
            summary="Weights of the authors' AttnGAN",
            paper=_ATTNGAN,
        ),
    )


@hookimpl
def zoo_recipes() -> Iterable[Path]:
    """The folder of our recipes."""
    return [Path(__file__).parent / "recipes"]
