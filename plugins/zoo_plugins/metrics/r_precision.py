"""R-precision (AttnGAN, arXiv:1711.10485, section 4, "Evaluation")."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge
from pydantic import PositiveInt
from torch import Tensor

from zoo_registry.contracts import ExtractorChoice, Measured, Metric, Record, Score, Study
from zoo_registry.errors import ZooError

from .scores import TIE, finite, of_mean, of_share, with_text

_ROWS = 256  # images whose candidates are compared at once


class RPrecision(Metric):
    """Share of generated images that are nearer to their caption than to captions of other classes.

    R = 1: each image's own caption against captions sampled by the protocol's seed from the split's records
    of other classes (without classes: of other records), all different texts; cosine of the matcher's global
    vectors; a tie is a miss. The mean over folds of the shuffled images, which the interval is of; that of
    the share where all folds are alike.

    The definition is DM-GAN's (arXiv:1904.01310, section 4.1) code, AttnGAN's own being unpublished; its
    folds leave an image out, ours do not.

    matcher: an extractor that reads captions: "own", the encoders that the generator was trained with, or
        the folder of a matching model. By its own a generator can score higher than real images do
        (arXiv:2112.01398): report one by an independent matcher beside it.
    candidates: captions per image, its own among them.
    folds: parts of the images that the interval is of.

    Raises `ZooError` for a pipeline without text, for fewer captions of other classes than candidates, for
    fewer images than folds.
    """

    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def __init__(
        self,
        *,
        matcher: ExtractorChoice = "own",
        candidates: Annotated[int, Ge(2)] = 100,
        folds: PositiveInt = 10,
    ) -> None:
        self.matcher, self.candidates, self.folds = matcher, candidates, folds

    def check(self, study: Study, /) -> None:
        """Require text, an image a fold, and captions of other classes for every record."""
        with_text(study, "r-precision")
        count = len(study.captions)
        if count < self.folds:
            raise ZooError(f"r-precision: {count} images make no {self.folds} folds; folds={count} would do")
        pool = _Pool(study)
        for record, caption in zip(study.records, study.captions, strict=True):
            pool.check(record, caption, self.candidates)
        study.require("real")

    def measure(self, study: Study, /) -> Measured:
        """The score "r-precision"."""
        count = len(study.captions)
        source = random.Random(study.protocol.seed)
        texts, table = _candidates(_Pool(study), study.records, study.captions, self.candidates, source)
        shuffled = self._hits(study, "generated", texts, table)[_order(count, source)]
        folds = torch.stack([shuffled[fold :: self.folds].mean() for fold in range(self.folds)])
        mean = folds.mean().item()
        # folds that are all alike would give an interval of no width
        bounds = of_mean(folds) if folds.min() < folds.max() else of_share(mean, count)
        if bounds is not None:
            bounds = max(bounds[0], 0.0), min(bounds[1], 1.0)
        score = Score(mean, count, bounds, chance=1 / self.candidates, real=self._of_real(study, source))
        return Measured({"r-precision": score})

    def _of_real(self, study: Study, source: random.Random) -> float:
        """What the split's real images get, each with the first of its captions."""
        records = study.of_split()
        rows = [row for row, record in enumerate(records) if record.captions]
        chosen = [records[row] for row in rows]
        first = [record.captions[0] for record in chosen]
        texts, table = _candidates(_Pool(study), chosen, first, self.candidates, source)
        return self._hits(study, "real", texts, table, rows).mean().item()

    def _hits(
        self,
        study: Study,
        which: Literal["generated", "real"],
        texts: list[str],
        table: Tensor,
        rows: list[int] | None = None,
    ) -> Tensor:
        """Of each image (of those in `rows`) 1 where its own caption is the nearest, else 0; [n]."""
        images, captions = study.matched(self.matcher, texts, which)
        if rows is not None:
            images = images[rows]
        images = F.normalize(finite(images, "r-precision", f"{which} images"), dim=1)
        captions = F.normalize(finite(captions, "r-precision", "captions"), dim=1)
        hits: list[Tensor] = []
        for some in torch.arange(len(table)).split(_ROWS):
            cosines = (images[some, None] * captions[table[some]]).sum(2)  # [some,candidates]
            hits.append((cosines[:, 1:] < cosines[:, :1] - TIE).all(1))
        return torch.cat(hits).double()


def _order(count: int, source: random.Random) -> Tensor:
    """The images in the order of their folds [n]."""
    return torch.tensor(source.sample(range(count), count))


def _candidates(
    pool: _Pool, records: Sequence[Record], captions: Sequence[str], count: int, source: random.Random
) -> tuple[list[str], Tensor]:
    """All texts that are compared; of each image the numbers of its candidates [n,K], its own first."""
    numbers: dict[str, int] = {}
    table = []
    for record, caption in zip(records, captions, strict=True):
        chosen = pool.generate(record, caption, count, source)
        table.append([numbers.setdefault(text, len(numbers)) for text in chosen])
    return list(numbers), torch.tensor(table)


class _Pool:
    """The captions of a split, those of one class (without classes: of one record) in a row."""

    def __init__(self, study: Study) -> None:
        self.split = study.protocol.split
        records = study.of_split()
        self.classes = all(record.label is not None for record in records)
        groups: dict[str, list[str]] = {}
        for record in records:
            groups.setdefault(self._group(record), []).extend(record.captions)
        self.captions: list[str] = []
        self.rows: dict[str, tuple[int, int]] = {}  # of each group where it begins, and how many it has
        owner: dict[str, str | None] = {}  # of each text the one group that has it; None: several have
        for group, captions in groups.items():
            self.rows[group] = (len(self.captions), len(captions))
            self.captions += captions
            for text in set(captions):
                owner[text] = None if text in owner else group
        self.owner = owner
        self.alone = Counter(group for group in owner.values() if group is not None)

    def _group(self, record: Record) -> str:
        return str(record.label) if self.classes else record.name

    def check(self, record: Record, caption: str, count: int) -> None:
        """Raise `ZooError` where there are no `count` - 1 captions of other groups."""
        group = self._group(record)
        others = len(self.owner) - self.alone[group] - (self.owner[caption] is None)
        if others < count - 1:
            what = f"classes than {group!r}" if self.classes else f"images than {group}"
            raise ZooError(
                f"r-precision: candidates={count} asks for {count - 1} captions of other {what}, and the "
                f"split {self.split!r} has {others}"
                + (f"; candidates={others + 1} is the maximum" if others else "")
            )

    def generate(self, record: Record, caption: str, count: int, source: random.Random) -> list[str]:
        """The caption, and after it different ones of other groups, `count` in all."""
        self.check(record, caption, count)
        begin, size = self.rows[self._group(record)]
        chosen = {caption: None}
        while len(chosen) < count:
            # by random() alone, whose generates Python promises not to change
            place = int(source.random() * (len(self.captions) - size))
            chosen.setdefault(self.captions[place if place < begin else place + size])
        return list(chosen)
