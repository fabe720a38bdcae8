"""What metrics ask about one pipeline on one data set.

Shape letters: see zoo_registry.contracts; n pictures, F feature width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from zoo_registry import Recipe, ZooError
from zoo_registry.contracts import Dataset, Record
from zoo_registry.evaluation import EvaluationProtocol, Judge
from zoo_registry.evaluation import Pictures as Which

from ..data.cache import cache_folder
from ..data.pictures import Pictures, images
from ..files import file_written_beside
from ..pipeline import Pipeline
from ..progress import Bar
from ..reading import read
from ..seeding import generator as seeded
from .drawings import Drawings, key_of
from .extractors import (
    MATCHING,
    Extractor,
    Layer,
    Matcher,
    inception,
    matcher,
    no_own_matcher,
    of_timm,
    own_matcher,
)

if TYPE_CHECKING:
    from .judge import TrainedJudge


class Bench:
    """A pipeline, a data set, and what the protocols of one evaluation share: drawings, networks, features.

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
        self._drawings: dict[Path, Drawings] = {}
        self._pictures: dict[tuple[str, int, float], Pictures] = {}
        self.extractor = cache(self._extractor)
        self.matcher = cache(self._matcher)
        self.judge = cache(self._judge)

    def drawings(self, protocol: EvaluationProtocol, records: Sequence[Record]) -> Drawings:
        """The drawings that protocols of equal captions, seed and truncation share."""
        given = [(record.name, record.captions) for record in records]
        what = (protocol.split, protocol.per_caption, protocol.seed, protocol.truncation, given)
        file = self.folder / f"{key_of(self.key, self.pipe.side, *what)}.drawn"
        if file not in self._drawings:
            self._drawings[file] = Drawings(
                self.pipe,
                file,
                seed=protocol.seed,
                truncation=protocol.truncation,
                batch_size=self.batch_size,
            )
        return self._drawings[file]

    def pictures(self, split: str, side: int, crop: float) -> Pictures:
        """The real pictures of a split, cut to a side."""
        if (split, side, crop) not in self._pictures:
            records = list(self.dataset.records(split))
            _large_enough(records, side, self.source)
            with Bar(f"real pictures of {side} px", len(records), quiet=self.quiet) as bar:
                self._pictures[split, side, crop] = Pictures(
                    records,
                    side=side,
                    margin=crop,
                    fingerprint=self.dataset.fingerprint(),
                    progress=lambda done, total: bar.advance(done),
                )
        return self._pictures[split, side, crop]

    def _extractor(self, name: str, side: int) -> Extractor:
        if name == "inception":
            return inception(self.pipe.device)
        if name == "judge":
            judge = self.judge(side)
            return Extractor(judge.id, {"features": judge.features})
        if name.startswith("timm:"):
            return of_timm(name.removeprefix("timm:"), self.pipe.device)
        return self.matcher(name).extractor

    def _matcher(self, name: str) -> Matcher:
        if name != "own" and not Path(name).expanduser().is_dir():
            raise ZooError(
                f"{name!r} is no extractor: inception, timm:NAME, judge, own, or the folder of a model with "
                "an image encoder is wanted"
            )
        if name != "own":
            return matcher(name, self.pipe.device)
        if self.model is not None:
            return matcher(own_matcher(self.model), self.pipe.device)
        if any(kind not in self.pipe.parts for kind in MATCHING):
            raise no_own_matcher(self.pipe.recipe.name)
        return Matcher("own", self.pipe.parts)

    def _judge(self, side: int) -> TrainedJudge:
        from .judge import judge_of

        return judge_of(self.dataset, self.source, side, self.pipe.device, self.quiet)

    def clear(self) -> None:
        """Remove the drawings."""
        for drawings in self._drawings.values():
            drawings.remove()


def _large_enough(records: Sequence[Record], side: int, source: str) -> None:
    """Refuse files that would have to be enlarged: a distance to those says little."""
    for record in records:
        if isinstance(record.image, Path):
            with Image.open(record.image) as picture:
                size = picture.size
            if min(size) < side:
                raise ZooError(
                    f"{source}: {record.name} has {size[0]}×{size[1]} pixels, and pictures are compared at "
                    f"{side} px; --set METRIC.resize={min(size)} compares both at that side"
                )


class PipelineStudy:
    """A bench under one protocol; see `zoo_registry.evaluation.Study`."""

    def __init__(self, bench: Bench, protocol: EvaluationProtocol) -> None:
        self.bench, self.protocol = bench, protocol
        self.recipe: Recipe = bench.pipe.recipe
        self.device = bench.pipe.device
        self.side = protocol.resize or bench.pipe.side
        splits = bench.dataset.splits()
        if protocol.split not in splits:
            raise ZooError(
                f"{protocol.name} is measured on the split {protocol.split!r}, which {bench.source} does not "
                f"have; it has {', '.join(splits)}: --set {protocol.name}.split={splits[0]}"
            )
        if bench.pipe.reads_text and not any(record.captions for record in self.of_split()):
            raise ZooError(f"{bench.source} has no captions in its split {protocol.split!r}, to draw from")

    @cached_property
    def _chosen(self) -> tuple[tuple[Record, int], ...]:
        """Of each drawn picture the record and which of its captions: all records in turn, in a drawn order.

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
        """Of each drawn picture its caption; "" for a pipeline that reads none."""
        return self._captions

    @cached_property
    def _captions(self) -> tuple[str, ...]:
        if not self.bench.pipe.reads_text:
            return ("",) * self.protocol.images
        return tuple(record.captions[which] for record, which in self._chosen)

    @property
    def stated(self) -> tuple[frozenset[str] | None, ...]:
        """Of each drawn picture the attributes that its caption tells; None where the data does not say."""
        return tuple(
            record.stated[which] if record.stated is not None else None for record, which in self._chosen
        )

    @property
    def records(self) -> tuple[Record, ...]:
        """Of each drawn picture the record that its caption is of."""
        return tuple(record for record, _ in self._chosen)

    def of_split(self) -> Sequence[Record]:
        """All records of the protocol's split: those of the real pictures, in their order."""
        return self.bench.dataset.records(self.protocol.split)

    def batches(self, pictures: Which) -> Iterator[Tensor]:
        """Pictures as [b,3,R,R] in [-1, 1] on the study's device, in order."""
        for pixels in self._pixels(pictures):
            (sized,) = images(pixels.to(self.device), [self.side])
            yield sized

    def _pixels(self, pictures: Which) -> Iterator[Tensor]:
        if pictures == "drawn":
            yield from self._drawings().batches(len(self.captions))
            return
        real, size = self._real(pictures), self.bench.batch_size
        for at in range(0, len(real), size):
            yield real.batch(range(at, min(at + size, len(real))), generator=None).pixels

    def _drawings(self) -> Drawings:
        """The drawn pictures, all of them there."""
        drawings = self.bench.drawings(self.protocol, self.of_split())
        drawings.draw(self.captions, quiet=self.bench.quiet)
        return drawings

    def _real(self, pictures: Which) -> Pictures:
        split = self.protocol.split if pictures == "real" else "train"
        return self.bench.pictures(split, self.side, self.protocol.crop)

    def features(self, pictures: Which, extractor: str, layer: Layer = "features") -> Tensor:
        """Features [n,F] float32 on the CPU. Those of real pictures are cached by content."""
        try:
            network = self.bench.extractor(extractor, self.side)
        except ZooError as error:
            raise ZooError(f"{self.protocol.name}: {error}") from None
        if layer not in network.layers:
            raise ZooError(f"features={extractor} gives no class scores, which {self.protocol.metric} needs")
        if pictures == "drawn":
            return self._extracted(pictures, network, layer)
        content = (self._real(pictures).fingerprint, self.protocol.crop, self.side, network.id, layer)
        file = cache_folder() / "features" / f"{key_of(*content)}.safetensors"
        if file.is_file():
            return load_file(file)["features"]
        found = self._extracted(pictures, network, layer)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file_written_beside(file) as beside:
            save_file({"features": found}, beside)
        return found

    @torch.inference_mode()  # not around the extractor's making: a judge may have to be trained
    def _extracted(self, pictures: Which, network: Extractor, layer: Layer) -> Tensor:
        if pictures == "drawn":  # before the bar of the features begins
            self._drawings()
        total = len(self.captions) if pictures == "drawn" else len(self._real(pictures))
        found: list[Tensor] = []
        done = 0
        with Bar(f"features of {pictures} pictures", total, quiet=self.bench.quiet) as bar:
            for batch in self.batches(pictures):
                found.append(network.layers[layer](batch).float().cpu())
                done += len(batch)
                bar.advance(done)
        return torch.cat(found).contiguous()

    def matched(
        self, matcher: str, captions: Sequence[str], pictures: Which = "drawn"
    ) -> tuple[Tensor, Tensor]:
        """Vectors of pictures [n,D] and of some captions [c,D] in a matching model's space."""
        encoders = self.bench.matcher(matcher)
        seen = self._extracted(pictures, encoders.extractor, "features")
        size = self.bench.batch_size
        with torch.inference_mode():
            told = [
                read(encoders.parts, captions[at : at + size], self.device).sentence.float().cpu()
                for at in range(0, len(captions), size)
            ]
        return seen, torch.cat(told)

    def judge(self) -> Judge:
        """The judge of the data set at the side of the pictures."""
        return self.bench.judge(self.side)
