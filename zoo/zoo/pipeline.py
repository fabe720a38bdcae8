"""A recipe with weights: captions in, images out. Lives in a folder of safetensors files.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import Drawing, Phase, Text, TextSource, Tokens
from zoo_registry.recipe import FORMAT, SINGLE

from . import weights
from .assemble import Parts, assemble, part_file
from .environment import made_with
from .files import folder_written_beside, write_json, write_text
from .reading import condition_of, encode
from .seeding import generator as seeded

SAMPLING = ("text_encoder", "conditioning", "generator")
"""The parts that sampling needs."""
_CHUNK = 16  # images a forward pass


@dataclass(frozen=True)
class Drawn:
    """What `Pipeline.draw` gives: `images[c * n + i]` is image i of caption c, n images a caption."""

    images: tuple[Tensor, ...]  # each [B,3,R,R] in [-1,1], small to large
    attention: tuple[Tensor, ...]  # each [B,L,h,w], one a stage that attends to words
    words: tuple[tuple[str, ...], ...]  # a caption's pieces, the labels of its maps' first rows


class Pipeline:
    """A text encoder, a conditioning and a generator, ready to draw."""

    def __init__(self, recipe: Recipe, parts: Parts, made_with: Mapping[str, Any] | None = None) -> None:
        self.recipe = recipe
        self.parts = parts
        self.made_with = made_with
        for module in parts.modules.values():
            module.eval()

    @property
    def device(self) -> torch.device:
        """Where the generator is."""
        return next(self.parts.generator.parameters()).device

    @property
    def phase(self) -> Phase:
        """How far a growing generator had grown when it was saved."""
        return self.parts.phase or Phase(self.parts.generator.spec.sides[-1])

    @property
    def side(self) -> int:
        """R, the side of the images that it draws, in pixels."""
        return self.phase.side

    @property
    def reads_text(self) -> bool:
        """Whether captions are wanted; a pipeline without a text encoder takes empty ones alone."""
        return "text_encoder" in self.parts

    def to(self, device: torch.device | str) -> Pipeline:
        """Move to a device."""
        self.parts.to(torch.device(device))
        return self

    def unknown(self, caption: str) -> tuple[str, ...]:
        """The words of a caption that the vocabulary does not have: they do not reach the picture."""
        return tuple(self.parts.text_encoder.unknown(caption)) if self.reads_text else ()

    def __call__(self, captions: str | Sequence[str], seed: int = 0, images: int = 1) -> list[Image.Image]:
        """Draw `images` pictures of each caption, caption by caption.

        Image i of a caption depends on (caption, seed, i) alone, whatever else is drawn with it.
        """
        return to_pillow(self.draw(captions, seed, images).images[-1])

    @torch.inference_mode()
    def draw(self, captions: str | Sequence[str], seed: int = 0, images: int = 1) -> Drawn:
        """Draw, and give every stage's images and attention as tensors on the CPU.

        Raises `ZooError` for a caption of which the model knows no word, and for one where it reads none.
        """
        captions = [captions] if isinstance(captions, str) else list(captions)
        if not captions or images < 1:
            raise ZooError("at least one caption and one image a caption are wanted")
        words: tuple[tuple[str, ...], ...] = ((),) * len(captions)
        if self.reads_text:
            words = tuple(tuple(self.parts.text_encoder.split(caption)) for caption in captions)
        for caption, pieces in zip(captions, words, strict=True):
            if self.reads_text and not pieces:
                raise ZooError(f"no word of the caption {caption!r} is known to this model")
            if caption and not self.reads_text:
                raise ZooError(f"this model reads no text; it draws without a caption, found {caption!r}")
        # once, so that every chunk's attention has the same length
        tokens = self.parts.text_encoder.tokenize(captions) if self.reads_text else None
        noise, draws = self._noise(seed, images)
        rows = [(c, i) for c in range(len(captions)) for i in range(images)]
        drawings = [
            self._forward(
                None if tokens is None else Tokens(*(t[[c for c, _ in part]] for t in tokens)),
                noise[[i for _, i in part]],
                draws[[i for _, i in part]],
            )
            for part in (rows[at : at + _CHUNK] for at in range(0, len(rows), _CHUNK))
        ]
        return Drawn(
            images=tuple(torch.cat(side).cpu() for side in zip(*(d.images for d in drawings), strict=True)),
            attention=tuple(
                torch.cat(stage).cpu() for stage in zip(*(d.attention for d in drawings), strict=True)
            ),
            words=words,
        )

    def _noise(self, seed: int, images: int) -> tuple[Tensor, Tensor]:
        """The generator's noise [I,Z] and the conditioning's [I,C]; row i depends on (seed, i) alone."""
        code = self.parts.conditioning.width if "conditioning" in self.parts else 0
        widths = (self.parts.generator.spec.noise_width, code)
        rows = [
            [torch.randn(width, generator=source) for width in widths]
            for source in (seeded(seed, i) for i in range(images))
        ]
        noise, draws = (torch.stack(column) for column in zip(*rows, strict=True))
        return noise, draws

    def _forward(self, tokens: Tokens | None, noise: Tensor, draws: Tensor) -> Drawing:
        text = (
            Text(draws[:, :0].to(self.device)) if tokens is None else encode(self.parts, tokens, self.device)
        )
        condition = condition_of(self.parts, text, draws.to(self.device))
        drawing: Drawing = self.parts.generator(noise.to(self.device), condition, text, self.phase)
        return drawing

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write the pipeline as a folder of safetensors files, in place of an old one."""
        return save(self.recipe, self.parts, Path(folder))

    @classmethod
    def from_pretrained(cls, model: str | Path, *, device: str | torch.device | None = None) -> Pipeline:
        """Read what `save_pretrained` wrote."""
        folder = locate(model)
        recipe, made = read_config(folder)
        if recipe.task == "match":
            raise ZooError(
                f"{model} is a model of the task {recipe.task!r} and draws nothing; a pipeline is wanted"
            )
        parts = assemble(recipe, TextSource(folder=folder), kinds=SAMPLING, folder=folder)
        return cls(recipe, parts, made).to(device or ("cuda" if torch.cuda.is_available() else "cpu"))


def load(model: str | Path, *, device: str | torch.device | None = None) -> Pipeline:
    """A trained pipeline: a model's folder or a run's. Raises `ZooError` where there is none."""
    return Pipeline.from_pretrained(model, device=device)


def locate(model: str | Path) -> Path:
    """The folder of a model: itself, or `model/` of a run."""
    folder = Path(model).expanduser()
    for candidate in (folder, folder / "model"):
        if (candidate / "config.json").is_file():
            return candidate
    if (folder / "recipe.json").is_file():
        raise ZooError(
            f"{folder} is a run that has not written its model yet; go on with: zoo train --resume {folder}"
        )
    found = (
        f"it holds: {', '.join(sorted(p.name for p in folder.iterdir())[:8]) or 'nothing'}"
        if folder.is_dir()
        else "there is no such folder"
    )
    raise ZooError(
        f"{model} is no model: a folder with config.json is wanted, or a run with model/config.json; {found}"
    )


def read_config(folder: Path) -> tuple[Recipe, Mapping[str, Any]]:
    """The recipe of a model's folder and the versions that made it.

    Names the distribution of a part that is missing.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        table, made = dict(config["recipe"]), dict(config["made_with"])
        version = config["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ZooError(
            f"{path} cannot be read as a model's configuration: {type(error).__name__}: {error}"
        ) from None
    if "extends" in table:
        raise ZooError(f"{path} extends another recipe; a saved model's recipe is whole and names no file")
    if version != FORMAT:
        raise ZooError(
            f"{path} has format {version!r}; this zoo reads format {FORMAT}: install a newer t2i-zoo"
        )
    try:
        return Recipe.read(table, catalogue()), made
    except ZooError as error:
        installed = {plugin.distribution for plugin in catalogue().plugins if not plugin.fault}
        missing = [
            f"{name}=={number}" for name, number in made.get("plugins", {}).items() if name not in installed
        ]
        if not missing:
            raise
        raise ZooError(
            f"{error}\nit was made with {', '.join(missing)}: pip install {' '.join(missing)}"
        ) from None


def save(recipe: Recipe, parts: Parts, folder: Path) -> Path:
    """Write a model's folder: configuration, card, one safetensors file a part, the tokenizer."""
    table = recipe.locked()
    table.pop("pretrain", None)
    for kind in SINGLE:
        if kind in table:
            table[kind].pop("weights", None)
    with folder_written_beside(folder) as beside:
        for kind, module in parts.modules.items():
            file = part_file(beside, kind)
            file.parent.mkdir(exist_ok=True)
            weights.write(file, module)
        if "text_encoder" in parts:
            parts.text_encoder.save_tokenizer(beside)
        write_text(beside / "README.md", _card(recipe, parts.modules))
        config = {"format": FORMAT, "recipe": table, "made_with": made_with(recipe)}
        if parts.phase is not None:
            config["phase"] = parts.phase._asdict()
        write_json(beside / "config.json", config)
    return folder


def _card(recipe: Recipe, modules: Mapping[str, nn.Module]) -> str:
    sizes = "\n".join(
        f"| {kind} | {recipe.parts[kind].component.name} | {sum(p.numel() for p in module.parameters()):,} |"
        for kind, module in modules.items()
    )
    use = 'import zoo\n\npipe = zoo.load("this folder")\npipe("a caption", seed=0)[0].save("picture.png")'
    return (
        f"---\nlibrary_name: t2i-zoo\npipeline_tag: text-to-image\n---\n\n# {recipe.name}\n\n"
        f"Paper: {recipe.paper or 'none'}\n\n| part | name | parameters |\n|---|---|---|\n{sizes}\n\n"
        f"```python\n{use}\n```\n"
    )


def to_pillow(images: Tensor) -> list[Image.Image]:
    """Images [B,3,R,R] in [-1,1] as pictures of 8 bits a channel."""
    pixels = images.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
    return [Image.fromarray(image) for image in pixels.permute(0, 2, 3, 1).cpu().numpy()]  # [B,R,R,3]
