"""From a checked recipe to modules: hands each part its wires by type, its settings, and its weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import (
    Augmentation,
    ConditionSpec,
    GeneratorSpec,
    Growth,
    Loss,
    TextSource,
    TextSpec,
)
from zoo_registry.errors import said
from zoo_registry.recipe import SINGLE, Choice
from zoo_registry.schema import schema_of

from .bounds import BoundedTensors
from .files.model import CONFIG, Model
from .models import weights
from .models.locate import locate
from .seeding import mix


@dataclass
class Parts:
    """The modules of a recipe by their places, its losses and augmentations.

    A part that the recipe does not have cannot be asked for. growth: how far a growing generator has grown;
    None: whole, or it does not grow.
    """

    modules: dict[str, nn.Module] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()
    augmentations: tuple[Augmentation, ...] = ()
    frozen: frozenset[str] = frozenset()
    growth: Growth | None = None

    def __getattr__(self, kind: str) -> Any:
        modules = vars(self).get("modules", {})  # none yet while it is being copied
        if kind not in modules:
            raise AttributeError(kind)
        return modules[kind]

    def __contains__(self, kind: str) -> bool:
        return kind in self.modules

    @property
    def code_width(self) -> int:
        """C, the width of the conditioning's noise; 0 without one."""
        return int(self.conditioning.width) if "conditioning" in self else 0

    def to(self, device: torch.device | None = None, dtype: torch.dtype | None = None) -> Parts:
        """Move modules to a device and a type, in channels-last, where convolutions were measured faster."""
        for module in (*self.modules.values(), *self.losses, *self.augmentations):
            if isinstance(module, nn.Module):
                module.to(device, dtype)
                module.to(memory_format=torch.channels_last)
        return self


def construct(choice: Choice, wires: Mapping[type, Any], *, loading: bool = False) -> Any:
    """Build one part. `loading`: its weights come next, so what it would fetch for itself is not fetched."""
    schema = schema_of(choice.component)
    settings = {name: getattr(choice.settings, name) for name in schema.settings.model_fields}
    if loading and "pretrained" in settings:
        settings["pretrained"] = False
    part = choice.component.load()
    try:
        return part(*(wires[wire] for wire in schema.wires), **settings)
    except Exception as error:
        if not choice.component.distribution or isinstance(error, ZooError):
            raise
        raise ZooError(f"{choice.component.title} cannot be built: {said(error)}") from error


def assemble(
    recipe: Recipe,
    source: TextSource,
    *,
    kinds: Iterable[str] = SINGLE,
    folder: Path | None = None,
    loading: bool = False,
) -> Parts:
    """Build the parts of a recipe.

    source: where the text encoder takes its vocabulary from, unless it has weights of its own.
    kinds: the parts to build; those that they are wired to must be among them. Losses come with all of them.
    folder: a saved model's, whose weights are loaded; None initialises them from the recipe's seed or loads
        what `weights` names.
    loading: weights come later, so that none are fetched now.
    """
    wires: dict[type, Any] = {TextSpec: TextSpec(0), ConditionSpec: ConditionSpec(0)}  # without text
    modules: dict[str, nn.Module] = {}
    frozen = set()
    growth = None
    for kind in SINGLE:
        choice = recipe.parts.get(kind)
        if choice is None or kind not in kinds:
            continue
        origin, name = (folder, kind) if folder is not None else (None, kind)
        if folder is None and not loading and (found := choice.origin(kind)) is not None:
            place, name = found
            if not place.strip("#"):
                raise ZooError(f"{kind}.weights: expected FOLDER-OR-REPOSITORY#PART, got {choice.weights!r}")
            origin = locate(place, parts=(name,))
        if kind == "text_encoder":
            wires[TextSource] = source if origin is None else TextSource(folder=origin)
        own = dict(recipe.task.load().wires(recipe.train, kind, wires))
        if kind == "style_encoder":
            own[TextSpec] = TextSpec(wires[GeneratorSpec].noise_width)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(mix(recipe.train.seed, kind))
            with BoundedTensors(kind):
                module = construct(choice, own, loading=loading or origin is not None)
        if origin is not None:
            file = Model(origin).part(name)
            if not file.is_file():
                raise ZooError(
                    f"{origin} holds no {name.replace('_', ' ')}: {file.relative_to(origin)} is not there"
                )
            (weights.put if name == kind else weights.transfer)(module, weights.read(file), str(file))
        if kind == "text_encoder":
            wires[TextSpec] = module.spec
        elif kind == "conditioning":
            wires[ConditionSpec] = ConditionSpec(module.width)
        elif kind == "generator":
            wires[GeneratorSpec] = module.spec
            growth = None if origin is None else _growth(origin, module.spec)
        if choice.frozen:
            frozen.add(kind)
            module.requires_grad_(False)
        modules[kind] = module
    whole = set(recipe.parts) <= set(kinds)
    losses, augmentations = (
        tuple(construct(choice, wires) for choice in choices) if whole else ()
        for choices in (recipe.losses, recipe.augmentations)
    )
    return Parts(modules, losses, augmentations, frozenset(frozen), growth)


def _growth(folder: Path, spec: GeneratorSpec) -> Growth | None:
    """How far the growing generator of a saved model had grown."""
    found = Model(folder).config().growth
    if found is None:
        return None
    if found.resolution not in spec.resolutions or not 0 <= found.alpha <= 1:
        raise ZooError(
            f"{folder / CONFIG}: growth: expected a resolution of {', '.join(map(str, spec.resolutions))} "
            f"and an alpha from 0 to 1, got {found.resolution} and {found.alpha}"
        )
    return Growth(found.resolution, found.alpha)


def build(recipe: str | Path | Mapping[str, Any] | Recipe, captions: Iterable[str] = ()) -> Parts:
    """Build every part of a recipe with fresh weights.

    recipe: a name, a file, data, or a `zoo.Recipe`. captions: what a text encoder with a vocabulary learns
    it from.
    """
    if not isinstance(recipe, Recipe):
        recipe = Recipe.read(recipe, catalogue())
    return assemble(recipe, TextSource(captions=captions))
