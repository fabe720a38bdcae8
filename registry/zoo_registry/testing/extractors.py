"""Extractors, with a made-up data set and made-up encoders.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from zlib import crc32

from ..component import Component
from ..contracts import (
    Batch,
    CutImages,
    Dataset,
    DataSource,
    Encoders,
    ExtractorSetup,
    ImageFeatures,
    Record,
    Text,
    Tokens,
)
from ..contracts.extractors import Progress
from ..recipe import Recipe
from .shared import CAPTIONS, batch_independent, build, same

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import Tensor, nn

_WIDTH, _RESOLUTION = 8, 16
_COLOURS = {"red": (200, 40, 40), "green": (40, 180, 60), "blue": (40, 60, 210)}


def extractor(component: Component, settings: Mapping[str, Any]) -> None:
    """Features and what else it gives: finite, the same twice, and the same alone as in a batch."""
    import torch

    with tempfile.TemporaryDirectory() as folder:
        first, second = (
            build(component, settings, setup=MadeUpExtractorSetup(Path(folder))).eval() for _ in range(2)
        )
    assert first.id, "its `id` names its weights"
    assert first.id == second.id, "the same network has the same id"
    source = torch.Generator().manual_seed(0)
    layers = ("features", "logits") if "logits" in component.gives else ("features",)
    for resolution in (_RESOLUTION, 24):
        images = torch.rand(3, 3, resolution, resolution, generator=source) * 2 - 1
        for layer in layers:
            with torch.no_grad():
                found = first(images, layer)
                assert found.ndim == 2, f"{layer} are [B,F]"
                assert len(found) == 3, f"{layer} are [B,F]"
                assert found.isfinite().all(), f"{layer} are finite"
                same(found, second(images, layer), f"the same {layer} twice")
                alone = partial(_alone, first, images, layer)
                batch_independent(found, alone, 3, _row)
    with torch.no_grad():
        if "captions" in component.gives:
            texts = first.embed(CAPTIONS)
            assert texts.shape == (len(CAPTIONS), first(images).shape[1]), "captions are as wide as images"
            batch_independent(
                texts,
                lambda row: first.embed(CAPTIONS[row : row + 1]),
                3,
                lambda whole, row: whole[row : row + 1],
            )
        if "attributes" in component.gives:
            read = first.read(images)
            assert set(read) == set(first.values) == set(first.accuracy) == set(first.chance), (
                "it reads each attribute, and says how well"
            )
            for name, numbers in read.items():
                assert numbers.shape == (3,), f"{name}: a number for each image"
                assert 0 <= int(numbers.min()) <= int(numbers.max()) < len(first.values[name])


def _row(whole: Tensor, row: int) -> Tensor:
    return whole[row : row + 1]


def _alone(module: nn.Module, images: Tensor, layer: str, row: int) -> Tensor:
    return cast("Tensor", module(images[row : row + 1], layer))


class MadeUpExtractorSetup(ExtractorSetup):
    """Coloured images of 16 px that know their colour; encoders of any model."""

    def __init__(self, cache: Path) -> None:
        import torch

        self.device, self.resolution, self.cache = torch.device("cpu"), _RESOLUTION, cache
        self.source, self.dataset = "made-up", cast("Dataset", _Colours())

    def encoders(self, model: str | None) -> Encoders:
        """Small ones, the same for the same name."""
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(crc32(str(model).encode()))
            return Encoders(cast("Recipe", SimpleNamespace(name="made-up")), *_encoders())

    def images(
        self,
        records: Sequence[Record],
        title: str,
        *,
        resolution: int,
        margin: float,
        fingerprint: str | None,
        folder: Path | None = None,
    ) -> CutImages:
        """The images as they are drawn."""
        return _Cut(records, resolution)

    def content(self, records: Sequence[Record], fingerprint: str | None) -> tuple[str, ...]:
        """Their names."""
        return tuple(record.name for record in records)

    @contextmanager
    def written(self, folder: Path) -> Iterator[Path]:
        """The folder itself."""
        folder.mkdir(parents=True)
        yield folder

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Progress]:
        """Nothing is shown."""
        yield _Quiet()

    def seeded(self, *key: int | str) -> torch.Generator:
        """A generator for a key."""
        import torch

        return torch.Generator().manual_seed(crc32(repr(key).encode()))

    def hash(self, *modules: nn.Module) -> str:
        """Of the weights."""
        digest = hashlib.blake2b(digest_size=8)
        for module in modules:
            for _, tensor in sorted(module.state_dict().items()):
                digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()


class _Quiet:
    def advance(self, done: int, note: str = "") -> None:
        pass


class _Cut:
    fingerprint = "made-up"

    def __init__(self, records: Sequence[Record], resolution: int) -> None:
        self.records, self.resolution = records, resolution

    def __len__(self) -> int:
        return len(self.records)

    def cut(self, indices: Sequence[int], uniform: Tensor | None) -> Batch:
        import torch

        chosen = [self.records[index] for index in indices]
        drawn = [cast("Any", record.image)().resize((self.resolution, self.resolution)) for record in chosen]
        pixels = [torch.tensor(list(image.tobytes()), dtype=torch.uint8) for image in drawn]
        shaped = torch.stack([each.view(self.resolution, self.resolution, 3) for each in pixels])
        captions = tuple(record.captions[0] for record in chosen)
        return Batch(shaped.permute(0, 3, 1, 2), captions, None, torch.tensor(list(indices)))


class _Colours:
    folder_layout = ""
    source = DataSource("")

    def splits(self) -> tuple[str, ...]:
        return "train", "test"

    def records(self, split: str) -> list[Record]:
        names = [name for name in _COLOURS for _ in range(12 if split == "train" else 4)]
        return [
            Record(
                f"{split} {number}",
                partial(_square, name),
                (f"a {name} square",),
                name,
                attributes={"colour": name},
                stated=(frozenset({"colour"}),),
            )
            for number, name in enumerate(names)
        ]

    def problems(self) -> tuple[()]:
        return ()

    def fingerprint(self) -> str:
        return "made-up"


def _square(colour: str) -> Image.Image:
    from PIL import Image

    return Image.new("RGB", (_RESOLUTION, _RESOLUTION), _COLOURS[colour])


def _encoders() -> tuple[nn.Module, nn.Module]:
    import torch
    from torch import nn

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(64, _WIDTH)

        def tokenize(self, captions: Sequence[str]) -> Tokens:
            rows = [[crc32(word.encode()) % 64 for word in [*c.split(), "", ""][:3]] for c in captions]
            return Tokens(torch.tensor(rows), torch.ones(len(rows), 3, dtype=torch.bool))

        def forward(self, tokens: Tokens) -> Text:
            return Text(self.table(tokens.ids).mean(1))

    class Seer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.see = nn.Linear(3, _WIDTH)

        def forward(self, images: Tensor) -> ImageFeatures:
            return ImageFeatures(self.see(images.mean((2, 3))))

    return Reader().eval(), Seer().eval()
