"""The models of the page: by name, loaded when they are first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from PIL import Image

from zoo_registry import Recipe, ZooError

from ..data.decode import opened
from ..devices import device_named
from ..files.model import Model
from ..imaging.grids import GAP, image_grid
from ..models.card import Facts
from ..models.folder import check_generates
from ..models.hub import HubId
from ..models.locate import locate
from ..pipeline import Pipeline, load
from .work import CAPTIONS, is_caption

COLUMNS = 4
"""Images of each caption in a gallery that is generated here."""
EXAMPLE = "a small red bird with a yellow beak"
"""Of a model that does not tell what its captions are like, and knows a word of this one."""


@dataclass(frozen=True)
class Gallery:
    """What a model does: a grid of images, `GAP` pixels apart, and the caption of each row."""

    grid: Image.Image
    captions: tuple[str, ...]
    columns: int
    resolution: int


class StudioModels:
    """Pipelines by the names they were given on start; no others.

    Raises `ZooError` for a model that cannot generate, where there is none at all, and for a device that is
    not here. Models on the Hub are fetched when they are first asked for.
    """

    def __init__(self, models: Sequence[str], *, device: str | None = None) -> None:
        self.names = tuple(dict.fromkeys(models))
        self.device = device_named(device)
        self._pipes: dict[str, Pipeline] = {}
        self._facts: dict[str, Facts] = {}
        self._galleries: dict[str, Gallery] = {}
        self._lock = Lock()  # two clients at once load a model once
        self._gallery_lock = Lock()
        if not self.names:
            raise ZooError("no model to show: zoo studio MODEL…, a run's folder, a model's, or a Hub id")
        for name in self.names:
            if HubId.of_model(name) is None:
                check_generates(Model(locate(name)).recipe(name), name)

    def __getitem__(self, name: str) -> Pipeline:
        """Raises `ZooError` for a name that is not here, and for a model that cannot be loaded."""
        if name not in self.names:
            raise ZooError(f"{name!r} is not available here; there are: {', '.join(self.names)}")
        with self._lock:
            if name not in self._pipes:
                self._pipes[name] = load(name, device=self.device)
            return self._pipes[name]

    def is_at_hand(self, name: str) -> bool:
        """Whether a model can be told of without fetching it."""
        return HubId.of_model(name) is None or name in self._pipes

    def facts(self, name: str) -> Facts:
        """What was recorded of a model; nothing of one on the Hub before it is fetched."""
        if not self.is_at_hand(name):
            return Facts()
        if name not in self._facts:
            self._facts[name] = Facts.of(locate(name), "")
        return self._facts[name]

    def recipe(self, name: str) -> Recipe:
        """A model's recipe; one on the Hub is fetched. Raises as `models[name]` does."""
        if name not in self.names or not self.is_at_hand(name):
            return self[name].recipe
        return Model(locate(name)).recipe(name)

    def captions(self, name: str) -> tuple[str, ...]:
        """Captions of its data that a model was shown with; none of one on the Hub before it is fetched."""
        return self.facts(name).captions

    def proposed(self, name: str) -> list[str]:
        """Those of a model's captions, which are anybody's data, that can be asked for."""
        return [caption for caption in self.captions(name) if is_caption(caption)][:CAPTIONS]

    def same_data(self, name: str) -> str:
        """Another model that learnt from the same data, else any other; itself where it is alone."""
        others = [other for other in self.names if other != name]
        data = self.facts(name).data
        same = [other for other in others if data is not None and self.facts(other).data == data]
        return next(iter([*same, *others]), name)

    def gallery(self, name: str) -> Gallery:
        """What came with a model, or is generated once."""
        with self._gallery_lock:
            if name not in self._galleries:
                self._galleries[name] = self._shipped_gallery(name) or self._generated_gallery(name)
            return self._galleries[name]

    def _shipped_gallery(self, name: str) -> Gallery | None:
        """The sample grid in a model's folder, a row per caption; None where there is none of that form."""
        if not self.is_at_hand(name):
            self[name]
        facts = self.facts(name)
        if facts.grid_file is None:
            return None
        try:
            with opened(facts.grid_file) as file:
                grid = file.convert("RGB")
        except (OSError, Image.DecompressionBombError):
            return None
        rows = len(facts.captions) or 1
        resolution = (grid.height + GAP) // rows - GAP
        columns = (grid.width + GAP) // (resolution + GAP) if resolution > 0 else 0
        if grid.size != (columns * (resolution + GAP) - GAP, rows * (resolution + GAP) - GAP):
            return None
        return Gallery(grid, facts.captions or ("",), columns, resolution)

    def _generated_gallery(self, name: str) -> Gallery:
        pipe = self[name]
        captions = [""]
        if pipe.reads_text:
            known = [text for text in (*self.proposed(name), EXAMPLE) if pipe.parts.text_encoder.split(text)]
            captions = known[:CAPTIONS]
        if not captions:
            raise ZooError(f"{name} tells no caption to show it with")
        images = pipe(captions, images=COLUMNS)
        return Gallery(image_grid(images, COLUMNS), tuple(captions), COLUMNS, pipe.resolution)
