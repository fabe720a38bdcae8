"""Parts of kind `dataset`: readers of stored ones, and procedural ones; listed here."""

from __future__ import annotations

from zoo_registry import Component

COMPONENTS: tuple[Component, ...] = (
    Component(
        kind="dataset",
        name="cub",
        target="zoo_plugins.datasets.readers.cub:CubFolder",
        summary="CUB-200-2011 with Reed's captions",
    ),
    Component(
        kind="dataset",
        name="flowers",
        target="zoo_plugins.datasets.readers.flowers:FlowersFolder",
        summary="Oxford-102 flowers with Reed's captions",
    ),
    Component(
        kind="dataset",
        name="coco",
        target="zoo_plugins.datasets.readers.coco:CocoFolder",
        summary="COCO captions, 2014 or 2017",
    ),
    Component(
        kind="dataset",
        name="face2text",
        target="zoo_plugins.datasets.readers.face2text:Face2TextFolder",
        summary="Face2Text's descriptions of faces of LFW",
    ),
    Component(
        kind="dataset",
        name="flickr8k",
        target="zoo_plugins.datasets.readers.flickr8k:Flickr8kFolder",
        summary="Flickr8k, five captions each",
    ),
    Component(
        kind="dataset",
        name="folder",
        target="zoo_plugins.datasets.readers.imagefolder:ImageFolder",
        summary="Hugging Face imagefolder: metadata.jsonl or metadata.csv beside the images",
    ),
    Component(
        kind="dataset",
        name="webdataset",
        target="zoo_plugins.datasets.readers.webdataset_shards:WebDatasetShards",
        summary="WebDataset shards: tar files of images and captions, read in place",
    ),
    Component(
        kind="dataset",
        name="hf",
        target="zoo_plugins.datasets.readers.hub:HubDataset",
        summary="Data sets of the Hugging Face Hub, or saved by its library",
    ),
    Component(
        kind="dataset",
        name="images",
        target="zoo_plugins.datasets.readers.images:PlainImageFolder",
        summary="Images without captions, for recipes without text",
    ),
    Component(
        kind="dataset",
        name="aviary",
        target="zoo_plugins.datasets.procedural.aviary.dataset:Aviary",
        summary="Procedurally generated birds, ten captions each",
    ),
    Component(
        kind="dataset",
        name="garden",
        target="zoo_plugins.datasets.procedural.garden.dataset:Garden",
        summary="Procedurally generated flowers, ten captions each",
    ),
    Component(
        kind="dataset",
        name="portraits",
        target="zoo_plugins.datasets.procedural.portraits.dataset:Portraits",
        summary="Procedurally generated faces, ten descriptions each",
    ),
)
