"""What metrics ask about one pipeline on one data set.

Shape letters: see zoo_registry.contracts; n images, F feature width.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import (
    AttributeReader,
    Dataset,
    EvaluationProtocol,
    ExtractorChoice,
    ImageSource,
    Layer,
    Record,
)

from ..bounds import check_disk
from ..data.cache import cache_folder
from ..data.decode import opened
from ..data.images import ImageSet, images_at
from ..files import file_written_beside
from ..pipeline import Pipeline
from ..progress import Bar
from ..seeding import generator as seeded
from .extractors import BenchSetup, build, chosen
from .generated import GeneratedImages, key_of


class Bench:
    """A pipeline, a data set, and what the protocols of one evaluation share.

    model: the pipeline's folder or run, None while it trains. key: names the pipeline's weights by content.
    """

    def __init__(
        self,
        pipe: Pipeline,
        dataset: Dataset,
        source: str,
        *,
        model: Path | None,
        key: str,
        folder: Path,
        batch_size: int,
        quiet: bool,
    ) -> None:
        self.pipe, self.dataset, self.source, self.model, self.key = pipe, dataset, source, model, key
        self.folder, self.batch_size, self.quiet = folder, batch_size, quiet
        self._generated: dict[Path, GeneratedImages] = {}
        self._real_images: dict[tuple[str, int, float], ImageSet] = {}
        self._extractors: dict[tuple[str, int], Any] = {}
        self._unavailable: dict[tuple[str, int], ZooError] = {}
        self._large: set[tuple[str, int]] = set()

    def generated(self, protocol: EvaluationProtocol, records: Sequence[Record]) -> GeneratedImages:
        """The generated images that protocols of equal captions, seed and truncation share."""
        given = [(record.name, record.captions) for record in records]
        what = (protocol.split, protocol.per_caption, protocol.seed, protocol.truncation, given)
        file = self.folder / f"{key_of(self.key, self.pipe.resolution, *what)}.generated"
        if file not in self._generated:
            self._generated[file] = GeneratedImages(
                self.pipe,
                file,
                seed=protocol.seed,
                truncation=protocol.truncation,
                batch_size=self.batch_size,
            )
        return self._generated[file]

    def real_images(self, split: str, resolution: int, crop: float) -> ImageSet:
        """The real images of a split, cut to a resolution."""
        if (split, resolution, crop) not in self._real_images:
            self.require(split, resolution)
            records = list(self.dataset.records(split))
            with Bar(f"real images of {resolution} px", len(records), quiet=self.quiet) as bar:
                self._real_images[split, resolution, crop] = ImageSet(
                    records,
                    resolution=resolution,
                    margin=crop,
                    fingerprint=self.dataset.fingerprint(),
                    progress=lambda done, total: bar.advance(done),
                )
        return self._real_images[split, resolution, crop]

    def require(self, split: str, resolution: int) -> None:
        """Raise `ZooError` where the data set has no such split, or an image smaller than the resolution."""
        if split not in self.dataset.splits():
            raise ZooError(f"{self.source} has no split {split!r}; it has {', '.join(self.dataset.splits())}")
        if (split, resolution) not in self._large:
            _large_enough(self.dataset.records(split), resolution, self.source)
            self._large.add((split, resolution))

    def extractor(self, choice: ExtractorChoice, resolution: int, place: str, *, gives: str = "") -> Any:
        """An extractor for images of a resolution.

        place: what asks for it, for messages. gives: what it has to give.
        """
        part = chosen(choice, place)
        if gives and gives not in part.component.gives:
            able = ", ".join(c.name for c in catalogue().of("extractor") if gives in c.gives)
            raise ZooError(f"{place}: {part.component.name} gives no {gives}; expected one of {able}")
        key = (json.dumps(choice, sort_keys=True), resolution)
        if key not in self._extractors and key not in self._unavailable:
            setup = BenchSetup(
                self.dataset,
                self.source,
                resolution,
                self.pipe.device,
                pipe=self.pipe,
                model=self.model,
                quiet=self.quiet,
            )
            try:
                self._extractors[key] = build(part, setup)
            except ZooError as error:
                self._unavailable[key] = error  # several protocols ask, and a download takes a minute to fail
        if key in self._unavailable:
            raise ZooError(f"{place}: {self._unavailable[key]}")
        return self._extractors[key]

    def clear(self) -> None:
        """Remove the generated images."""
        for generated in self._generated.values():
            generated.remove()


def _large_enough(records: Sequence[Record], resolution: int, source: str) -> None:
    """Refuse files that would have to be enlarged: a distance to those says little."""
    for record in records:
        if isinstance(record.image, Path):
            with opened(record.image) as image:
                size = image.size
            if min(size) < resolution:
                raise ZooError(
                    f"{source}: {record.name} has {size[0]}×{size[1]} pixels, and images are compared at "
                    f"{resolution} px; --set METRIC.resize={min(size)} compares both at that resolution"
                )


class PipelineStudy:
    """A bench under one protocol; see `zoo_registry.contracts.evaluation.Study`."""

    def __init__(self, bench: Bench, protocol: EvaluationProtocol) -> None:
        self.bench, self.protocol = bench, protocol
        self.recipe: Recipe = bench.pipe.recipe
        self.device = bench.pipe.device
        self.resolution = protocol.resize or bench.pipe.resolution
        what = f"{protocol.name}: {protocol.images:,} images of {bench.pipe.resolution} px"
        check_disk(3 * protocol.images * bench.pipe.resolution**2, bench.folder, what)
        splits = bench.dataset.splits()
        if protocol.split not in splits:
            raise ZooError(
                f"{protocol.name} is measured on the split {protocol.split!r}, which {bench.source} does not "
                f"have; it has {', '.join(splits)}: --set {protocol.name}.split={splits[0]}"
            )
        if bench.pipe.reads_text and not any(record.captions for record in self.of_split()):
            raise ZooError(f"{bench.source} has no captions in its split {protocol.split!r}")

    @cached_property
    def _chosen(self) -> tuple[tuple[Record, int], ...]:
        """Of each generated image the record and which of its captions: all records in turn, in a random
        order.

        Each time round, every record has its next caption.
        """
        reads = self.bench.pipe.reads_text
        records = [record for record in self.of_split() if record.captions or not reads]
        source = seeded(self.protocol.seed, "captions")
        order = torch.randperm(len(records), generator=source).tolist()
        firsts = torch.randint(1 << 30, (len(records),), generator=source).tolist()
        rows = []
        for number in range(self.protocol.images):
            turn, place = divmod(number // self.protocol.per_caption, len(order))
            record = records[order[place]]
            rows.append((record, (firsts[order[place]] + turn) % max(len(record.captions), 1)))
        return tuple(rows)

    @property
    def captions(self) -> tuple[str, ...]:
        """Of each generated image its caption; "" for a pipeline that reads none."""
        return self._captions

    @cached_property
    def _captions(self) -> tuple[str, ...]:
        if not self.bench.pipe.reads_text:
            return ("",) * self.protocol.images
        return tuple(record.captions[which] for record, which in self._chosen)

    @property
    def stated(self) -> tuple[frozenset[str] | None, ...]:
        """For each generated image the attributes that its caption mentions; None where that is unknown."""
        return tuple(
            record.stated[which] if record.stated is not None else None for record, which in self._chosen
        )

    @property
    def records(self) -> tuple[Record, ...]:
        """Of each generated image the record that its caption is of."""
        return tuple(record for record, _ in self._chosen)

    def of_split(self) -> Sequence[Record]:
        """All records of the protocol's split: those of the real images, in their order."""
        return self.bench.dataset.records(self.protocol.split)

    def require(self, *images: Literal["real", "train"]) -> None:
        """Raise `ZooError` where the data set has no such images, or smaller ones than the resolution."""
        for which in images:
            self.bench.require(self._split(which), self.resolution)

    def batches(self, which: ImageSource) -> Iterator[Tensor]:
        """Images as [b,3,R,R] in [-1, 1] on the study's device, in order."""
        for pixels in self._pixels(which):
            (sized,) = images_at(pixels.to(self.device), [self.resolution])
            yield sized

    def _pixels(self, which: ImageSource) -> Iterator[Tensor]:
        if which == "generated":
            yield from self._generated().batches(len(self.captions))
            return
        real, size = self._real(which), self.bench.batch_size
        for at in range(0, len(real), size):
            yield real.batch(range(at, min(at + size, len(real))), generator=None).pixels

    def _generated(self) -> GeneratedImages:
        """The generated images, all of them there."""
        generated = self.bench.generated(self.protocol, self.of_split())
        generated.generate(self.captions, quiet=self.bench.quiet)
        return generated

    def _split(self, which: ImageSource) -> str:
        return self.protocol.split if which == "real" else "train"

    def _real(self, which: ImageSource) -> ImageSet:
        return self.bench.real_images(self._split(which), self.resolution, self.protocol.crop)

    def _extractor(self, choice: ExtractorChoice, gives: str = "") -> Any:
        return self.bench.extractor(choice, self.resolution, self.protocol.name, gives=gives)

    def features(self, which: ImageSource, extractor: ExtractorChoice, layer: Layer = "features") -> Tensor:
        """Features [n,F] float32 on the CPU. Those of real images are cached by content."""
        network = self._extractor(extractor, "" if layer == "features" else layer)
        if which == "generated":
            return self._extracted(which, network, layer)
        content = (self._real(which).fingerprint, self.protocol.crop, self.resolution, network.id, layer)
        file = cache_folder() / "features" / f"{key_of(*content)}.safetensors"
        if file.is_file():
            return load_file(file)["features"]
        found = self._extracted(which, network, layer)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file_written_beside(file) as beside:
            save_file({"features": found}, beside)
        return found

    @torch.inference_mode()  # not around the extractor's making: one may have to be trained
    def _extracted(self, which: ImageSource, network: Any, layer: Layer) -> Tensor:
        if which == "generated":  # before the bar of the features begins
            self._generated()
        total = len(self.captions) if which == "generated" else len(self._real(which))
        found: list[Tensor] = []
        done = 0
        with Bar(f"features of {which} images", total, quiet=self.bench.quiet) as bar:
            for batch in self.batches(which):
                found.append(network(batch, layer).float().cpu())
                done += len(batch)
                bar.advance(done)
        return torch.cat(found).contiguous()

    def matched(
        self, extractor: ExtractorChoice, captions: Sequence[str], which: ImageSource = "generated"
    ) -> tuple[Tensor, Tensor]:
        """Vectors of images [n,D] and of some captions [c,D] in the space of an extractor that reads both."""
        network = self._extractor(extractor, "captions")
        images = self._extracted(which, network, "features")
        size = self.bench.batch_size
        with torch.inference_mode():
            texts = [
                network.embed(captions[at : at + size]).float().cpu() for at in range(0, len(captions), size)
            ]
        return images, torch.cat(texts)

    def attribute_reader(self, extractor: ExtractorChoice) -> AttributeReader:
        """An extractor that reads attributes off images of the study's resolution."""
        reader: AttributeReader = self._extractor(extractor, "attributes")
        return reader
