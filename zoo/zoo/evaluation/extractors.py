"""Extractors: as settings of metrics name them, and what the engine hands to one.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import (
    CutImages,
    Dataset,
    Encoders,
    ExtractorSetup,
    Record,
    TextSource,
    extractor_settings,
)
from zoo_registry.recipe import Choice, choose
from zoo_registry.schema import schema_of
from zoo_registry.text import expanded

from ..assemble import assemble, construct
from ..data.cache import cache_folder, content
from ..data.images import ImageSet
from ..files import folder_written_beside
from ..files.model import Model
from ..files.run import Run
from ..memory import keep_freed_memory
from ..models.hub import HubId
from ..models.locate import locate
from ..pipeline import Pipeline
from ..progress import Bar
from ..seeding import generator as seeded

MATCHING = ("text_encoder", "image_encoder")


def chosen(value: str | Mapping[str, Any], place: str) -> Choice:
    """The extractor that a setting of a metric names. `place`: of the setting, for the message.

    Raises `ZooError` where none is called so, and for settings that it does not have.
    """
    return choose(_table(value, place) if isinstance(value, str) else value, "extractor", place, catalogue())


def _table(text: str, place: str) -> dict[str, Any]:
    """What "NAME", "NAME:VALUE" or a bare folder stands for."""
    name, colon, value = text.partition(":")
    known = {component.name: component for component in catalogue().of("extractor")}
    folder = expanded(text)
    if name not in known and folder.is_dir():
        name, colon, value = next((n for n, c in known.items() if c.load().recognises(folder)), ""), ":", text
        if not name:
            raise ZooError(f"{place}: {text} is a folder that no extractor reads; zoo list extractor")
    try:
        fields = schema_of(catalogue().get("extractor", name)).settings.model_fields
    except ZooError as error:
        raise ZooError(f"{place}: {error}; expected {', '.join(known)} or a model's folder") from None
    required = [key for key, field in fields.items() if field.is_required()]
    if colon and len(required) != 1:
        raise ZooError(f"{place}: {name} takes nothing after a colon, got {value!r}")
    if required and not colon:
        raise ZooError(f"{place}: expected {name}:{required[0].upper()}, got {text!r}")
    return {"use": name} | dict.fromkeys(required, value)


def extractors_of(metric: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a metric that name extractors, with their values."""
    keys = extractor_settings(schema_of(catalogue().get("metric", metric)).settings)
    return {key: settings[key] for key in keys}


class BenchSetup(ExtractorSetup):
    """See `zoo_registry.contracts.ExtractorSetup`.

    pipe: the pipeline that is measured; model: its folder or run, None while it trains.
    """

    def __init__(
        self,
        dataset: Dataset,
        source: str,
        resolution: int,
        device: torch.device,
        *,
        pipe: Pipeline | None = None,
        model: Path | None = None,
        quiet: bool = False,
    ) -> None:
        self.dataset, self.source, self.resolution, self.device = dataset, source, resolution, device
        self.cache = cache_folder()
        self._pipe, self._model, self._quiet = pipe, model, quiet

    def encoders(self, model: str | None) -> Encoders:
        """The matching encoders of a model, or the pipeline's own."""
        if model is not None:
            return self._read(locate(model, parts=MATCHING), model)
        if self._model is not None:
            place = _own_place(self._model)
            return self._read(place, str(place))
        if self._pipe is None or any(kind not in self._pipe.parts for kind in MATCHING):
            raise _no_own_encoders("the pipeline" if self._pipe is None else self._pipe.recipe.name)
        return Encoders(self._pipe.recipe, *(self._pipe.parts.modules[kind] for kind in MATCHING))

    def _read(self, folder: Path, name: str) -> Encoders:
        recipe = Model(folder).recipe()
        if missing := [kind for kind in MATCHING if kind not in recipe.parts]:
            raise ZooError(
                f"{name} holds no {missing[0].replace('_', ' ')}; expected a text and an image encoder"
            )
        parts = assemble(recipe, TextSource(folder=folder), kinds=MATCHING, folder=folder).to(self.device)
        return Encoders(recipe, *(parts.modules[kind].eval() for kind in MATCHING))

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
        """Decode images into a cache file."""
        with self.progress(title, len(records)) as bar:
            return ImageSet(
                records,
                resolution=resolution,
                margin=margin,
                fingerprint=fingerprint,
                cache=folder,
                progress=lambda done, total: bar.advance(done),
            )

    def content(self, records: Sequence[Record], fingerprint: str | None) -> tuple[str, ...]:
        """What identifies the pixels of each record."""
        return content(records, fingerprint)

    def written(self, folder: Path) -> AbstractContextManager[Path]:
        """A new folder in place of another, whole or not at all."""
        return folder_written_beside(folder)

    def progress(self, title: str, total: int) -> Bar:
        """A progress bar."""
        return Bar(title, total, quiet=self._quiet)

    def seeded(self, *key: int | str) -> torch.Generator:
        """A generator on the CPU for a key."""
        return seeded(*key)

    def hash(self, *modules: nn.Module) -> str:
        """A hash of networks' weights."""
        digest = hashlib.blake2b(digest_size=8)
        for module in modules:
            for name, tensor in sorted(module.state_dict().items()):
                digest.update(f"{name}{tuple(tensor.shape)}".encode())
                digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        return digest.hexdigest()


def build(choice: Choice, setup: ExtractorSetup) -> Any:
    """Build an extractor, ready on the device."""
    if setup.device.type == "cpu":
        keep_freed_memory()  # one may have to be trained
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return construct(choice, {ExtractorSetup: setup}).to(setup.device).eval()


def _own_place(model: Path) -> Path:
    """Where the encoders are that a pipeline was trained with. Raises `ZooError` where that is not known.

    model: its folder, or the run that it is in, whose first stages hold encoders too.
    """
    places = [locate(model, parts=MATCHING)]
    run = Run(model) if Run(model).exists() else Run(model.parent)
    weights = _weights_of_text(run)
    if weights is not None:
        places.append(weights)
    places += [stage.model for stage in reversed(run.stages()[:-1]) if Model(stage.model).exists()]
    for place in places:
        recipe = Model(place).recipe()
        if all(kind in recipe.parts and Model(place).part(kind).is_file() for kind in MATCHING):
            return place
    raise _no_own_encoders(str(model))


def _no_own_encoders(name: str) -> ZooError:
    return ZooError(
        f"{name} has no matching encoders of its own: it was trained without an image encoder, or came "
        "without it"
    )


def _weights_of_text(run: Run) -> Path | None:
    """Where a run took its text encoder from, if it says so and that is still there."""
    if not run.exists():
        return None
    encoder = Recipe.read(run.recipe(), catalogue()).parts.get("text_encoder")
    found = encoder and encoder.origin("text_encoder")
    if not found:
        return None
    origin, _ = found
    known = Path(origin).is_dir() or HubId.parse(origin) is not None
    return locate(origin, parts=MATCHING) if known else None
