"""A made-up study for metrics to measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..component import Component
from ..contracts import ExtractorChoice, Record
from ..contracts.evaluation import EvaluationProtocol, ImageSource

if TYPE_CHECKING:
    from torch import Tensor


class MadeUpStudy:
    """40 generated images of 20 captions, 40 real and 40 training ones, of two classes; all by chance."""

    def __init__(self, metric: str) -> None:
        import torch
        from pydantic import create_model

        from ..recipe import Choice, Recipe
        from ..training import Training

        reader = Component(kind="text_encoder", name="reader", target="", summary="")
        self.protocol = EvaluationProtocol(name="study", version=1, metric=metric, images=40, per_caption=2)
        self.recipe = Recipe(
            name="study",
            task=Component(kind="task", name="made-up", target="", summary=""),
            paper="",
            pretrain=None,
            parts={"text_encoder": Choice(reader, create_model("no settings")())},
            losses=(),
            augmentations=(),
            train=Training(),
        )
        self.device = torch.device("cpu")
        colours = ("red", "blue")
        self._split = [
            Record(
                name=str(number),
                image=Path(f"{number}.png"),
                captions=(f"a {colours[number % 2]} bird, the {number}th",),
                label=colours[number % 2],
                attributes={"colour": colours[number % 2]},
                stated=(frozenset({"colour"}),),
            )
            for number in range(40)
        ]
        self.records = tuple(self._split[number // 2] for number in range(40))
        self.captions = tuple(record.captions[0] for record in self.records)
        self.stated = tuple(record.stated[0] for record in self.records if record.stated)

    def of_split(self) -> list[Record]:
        """The records that are measured on."""
        return self._split

    def require(self, *images: ImageSource) -> None:
        """All images are there."""

    def _samples(self, what: str, *shape: int) -> Tensor:
        import torch

        seed = {"generated": 1, "real": 2, "train": 3, "captions": 4}[what]
        return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))

    def batches(self, which: ImageSource) -> Any:
        """Images [B,3,16,16] in [-1,1]."""
        return iter(self._samples(which, 40, 3, 16, 16).tanh().split(16))

    def features(self, which: ImageSource, extractor: ExtractorChoice, layer: str = "features") -> Tensor:
        """Features [40,8]."""
        return self._samples(which, 40, 8)

    def matched(
        self, extractor: ExtractorChoice, captions: Any, which: ImageSource = "generated"
    ) -> tuple[Tensor, Tensor]:
        """Embeddings of images and of captions."""
        return self._samples(which, 40, 8), self._samples("captions", len(captions), 8)

    def attribute_reader(self, extractor: ExtractorChoice) -> Any:
        """One that reads a colour by chance."""

        class Reader:
            values: ClassVar = {"colour": ("red", "blue")}
            accuracy: ClassVar = {"colour": 1.0}
            chance: ClassVar = {"colour": 0.5}

            def read(self, images: Tensor) -> dict[str, Tensor]:
                return {"colour": (images[:, 0, 0, 0] > 0).long()}

        return Reader()
