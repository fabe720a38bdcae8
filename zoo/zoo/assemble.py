"""From a checked recipe to modules: hands each part its wires by type, its settings, and its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import (
    Augmentation,
    Condition,
    Conditioning,
    ConditionSpec,
    Discriminator,
    Generator,
    GeneratorSpec,
    Growth,
    ImageEncoder,
    Loss,
    Text,
    TextEncoder,
    TextSource,
    TextSpec,
    Tokens,
)
from zoo_registry.errors import said
from zoo_registry.recipe import SINGLE, Choice
from zoo_registry.schema import schema_of

from .bounds import BoundedTensors
from .files.model import CONFIG, Model
from .models import weights
from .models.locate import locate
from .seeding import mix

if TYPE_CHECKING:  # a part is a module and keeps its contract

    class _TextEncoder(nn.Module, TextEncoder): ...

    class _ImageEncoder(nn.Module, ImageEncoder): ...

    class _Conditioning(nn.Module, Conditioning): ...

    class _Generator(nn.Module, Generator): ...

    class _Discriminator(nn.Module, Discriminator): ...


@dataclass
class Parts:
    """The modules of a recipe by their places, its losses and augmentations.

    Asking for a part that the recipe does not have raises KeyError. growth: how far a growing generator has
    grown; None: whole, or it does not grow.
    """

    modules: dict[str, nn.Module] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()
    augmentations: tuple[Augmentation, ...] = ()
    frozen: frozenset[str] = frozenset()
    growth: Growth | None = None

    @property
    def text_encoder(self) -> _TextEncoder:
        """The text encoder."""
        return cast("_TextEncoder", self.modules["text_encoder"])

    @property
    def image_encoder(self) -> _ImageEncoder:
        """The image encoder."""
        return cast("_ImageEncoder", self.modules["image_encoder"])

    @property
    def style_encoder(self) -> _ImageEncoder:
        """The style encoder."""
        return cast("_ImageEncoder", self.modules["style_encoder"])

    @property
    def conditioning(self) -> _Conditioning:
        """The conditioning."""
        return cast("_Conditioning", self.modules["conditioning"])

    @property
    def generator(self) -> _Generator:
        """The generator."""
        return cast("_Generator", self.modules["generator"])

    @property
    def discriminator(self) -> _Discriminator:
        """The discriminator."""
        return cast("_Discriminator", self.modules["discriminator"])

    def __contains__(self, kind: str) -> bool:
        return kind in self.modules

    @property
    def code_width(self) -> int:
        """C, the width of the conditioning's noise; 0 without one."""
        return self.conditioning.width if "conditioning" in self else 0

    def read(self, captions: Sequence[str], device: torch.device) -> Text:
        """The captions as the text encoder reads them; sentences [B,0] where there is none."""
        if "text_encoder" not in self:
            return Text(torch.zeros(len(captions), 0, device=device))
        return self.encode(self.text_encoder.tokenize(captions), device)

    def encode(self, tokens: Tokens, device: torch.device) -> Text:
        """What the text encoder reads in some tokens."""
        text: Text = self.text_encoder(Tokens(*(t.to(device) for t in tokens)))
        return text

    def condition(self, text: Text, noise: Tensor) -> Condition:
        """The generator's condition; `noise` [B,C] itself where there is no conditioning."""
        if "conditioning" not in self:
            return Condition(noise)
        condition: Condition = self.conditioning(text.sentence, noise=noise)
        return condition

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """The modules in evaluation mode inside the block, in their own again after it."""
        before = {kind: module.training for kind, module in self.modules.items()}
        for module in self.modules.values():
            module.eval()
        try:
            yield
        finally:
            for kind, module in self.modules.items():
                module.train(before[kind])

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
    except Exception as error:  # a plugin's constructor raises anything
        if not choice.component.distribution or isinstance(error, ZooError):
            raise
        raise ZooError(f"{choice.component.title} cannot be built: {said(error)}") from error


_WIRES: dict[str, Callable[[Any], Any]] = {
    "text_encoder": attrgetter("spec"),
    "conditioning": lambda conditioning: ConditionSpec(conditioning.width),
    "generator": attrgetter("spec"),
}
"""What a module hands to those that are built after it, by its place."""


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
        if kind in _WIRES:
            wire = _WIRES[kind](module)
            wires[type(wire)] = wire
        if kind == "generator" and origin is not None:
            growth = _growth(origin, module.spec)
        if choice.frozen:
            frozen.add(kind)
            module.requires_grad_(False)
        modules[kind] = module.eval()
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
