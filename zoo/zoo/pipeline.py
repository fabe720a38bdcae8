"""A recipe with weights: captions in, images out. Lives in a folder of safetensors files.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zoo_registry import Recipe, ZooError
from zoo_registry.contracts import Generated, Growth, Text, TextSource, Tokens
from zoo_registry.errors import near
from zoo_registry.recipe import FORMAT, SINGLE

from .assemble import Parts, assemble
from .bounds import check_memory
from .devices import device_named
from .environment import made_with
from .files import folder_written_beside
from .files.model import Config, Grown, Model
from .imaging.images import Images, Samples, square, to_pillow
from .models import weights
from .models.card import write_card
from .models.folder import SAMPLING, check_generates
from .models.hub import cached, fetch
from .models.locate import locate
from .models.publish import push, repository
from .seeding import generator as seeded

Between = Literal["text", "noise", "both"]
"""What `Pipeline.interpolate` goes from one end to the other of."""
_CHUNK = 16  # images a forward pass
_ELSEWHERE = {
    "prompt": "captions= is the caption or the captions",
    "num_images_per_prompt": "images= is how many of each caption",
    "generator": "seed= is an integer; image i is a function of the caption, the seed and i alone",
    "output_type": "the list holds PIL images; generate(…).images[-1] is a tensor [B,3,R,R] in [-1, 1]",
    "callback": "a GAN generates in one pass, and has no steps to be called back after",
    "callback_on_step_end": "a GAN generates in one pass, and has no steps to be called back after",
    "num_inference_steps": "a GAN generates in one pass, and has no steps",
    "guidance_scale": "a GAN has no guidance",
    "negative_prompt": "a GAN has no guidance, and reads no other caption than the one it generates",
    "height": "a model generates at its own resolution, pipe.resolution",
    "width": "a model generates at its own resolution, pipe.resolution",
}
"""What other libraries' keywords of a pipeline's call are here."""


class Pipeline:
    """A text encoder, a conditioning and a generator, ready to sample from."""

    def __init__(
        self,
        recipe: Recipe,
        parts: Parts,
        made_with: Mapping[str, Any] | None = None,
        *,
        origin: Path | None = None,
    ) -> None:
        self.recipe = recipe
        self.origin = origin  # the folder that it was read from
        self.parts = parts
        self.made_with = made_with

    def __repr__(self) -> str:
        """What it generates, where it runs, and its parts."""
        name = self.recipe.name if self.origin is None else f"{self.recipe.name} of {self.origin}"
        size, precision = f"{self.resolution} px", str(self.dtype).removeprefix("torch.")
        parts = [f"  {place}: {self.recipe.parts[place].component.name}" for place in self.components]
        return "\n".join([f"Pipeline({name}: {size}, on {self.device} in {precision}", *parts]) + ")"

    @property
    def device(self) -> torch.device:
        """Where the generator is."""
        return next(self.parts.generator.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The floating-point type of the generator's weights."""
        return next(self.parts.generator.parameters()).dtype

    @property
    def components(self) -> dict[str, torch.nn.Module]:
        """The modules by their place in the recipe."""
        return dict(self.parts.modules)

    @property
    def growth(self) -> Growth:
        """How far a growing generator had grown when it was saved."""
        return self.parts.growth or Growth(self.parts.generator.spec.resolutions[-1])

    @property
    def resolution(self) -> int:
        """R, the resolution of the generated images, in pixels."""
        return self.growth.resolution

    @property
    def reads_text(self) -> bool:
        """Whether it takes captions; a pipeline without a text encoder takes empty ones only."""
        return "text_encoder" in self.parts

    def to(
        self,
        *where: torch.device | torch.dtype | str,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> Pipeline:
        """Move to a device, to a floating-point type, or both: `pipe.to("cuda", torch.float16)`.

        Raises `ZooError` for a device that this machine has not.
        """
        for each in (*where, device, dtype):
            if isinstance(each, torch.dtype):
                self.parts.to(dtype=each)
            elif each is not None:
                self.parts.to(device_named(each))
        return self

    def half(self) -> Pipeline:
        """Weights of 16 bits, float16."""
        return self.to(torch.float16)

    def unknown(self, caption: str) -> tuple[str, ...]:
        """The words of a caption that the vocabulary does not have: they do not reach the image."""
        return tuple(self.parts.text_encoder.unknown(caption)) if self.reads_text else ()

    def left_out(self, caption: str) -> int:
        """How many known words (pieces of words, characters) of a caption come after those that are read."""
        return int(self.parts.text_encoder.left_out(caption)) if self.reads_text else 0

    def __call__(
        self, captions: str | Sequence[str], seed: int = 0, images: int = 1, **unknown: object
    ) -> Images:
        """Generate `images` images of each caption, caption by caption; a notebook shows the list.

        Image i of a caption depends on (caption, seed, i) alone, whatever else is generated with it.
        Raises `TypeError` for keywords that other libraries have, which says what does the same here.
        """
        for keyword in unknown:
            raise TypeError(f"pipe() has no {keyword!r}: {_elsewhere(keyword)}")
        generated = self.generate(captions, seed, images).images[-1]
        return to_pillow(generated, 8 if isinstance(captions, str) else images)

    @torch.inference_mode()
    def generate(self, captions: str | Sequence[str], seed: int = 0, images: int = 1) -> Samples:
        """Generate, and give every stage's images and attention as tensors on the CPU.

        Raises `ZooError` for a caption of which the model knows no word, and for one where it reads none.
        """
        if images < 1:
            raise ZooError(f"expected one image per caption or more, got {images}")
        count = images * (1 if isinstance(captions, str) else len(captions))
        self._check_memory(count)
        return self._generate(captions, *self.noise(seed, images))

    def _check_memory(self, count: int) -> None:
        what = f"{count:,} images of {self.resolution} px"
        check_memory(4 * 3 * count * self.resolution**2, what, "fewer at a time would do")

    @torch.inference_mode()
    def restyle(self, images: Image.Image | Sequence[Image.Image], captions: str | Sequence[str]) -> Samples:
        """Generate images of captions in the style of others: with the noise that the style encoder reads
        there.

        GAN-CLS (arXiv:1605.05396), section 4.5: z = S(x), then G(z, caption). Of the result,
        `images[c * n + i]` is caption c in the style of image i, of n. An image of any size is cut to its
        central square and resized to the resolution of the pipeline. A conditioning that samples its code
        gives its mean.
        Raises `ZooError` for a pipeline without a style encoder, and where `generate` would.
        """
        styles = [images] if isinstance(images, Image.Image) else list(images)
        if not styles:
            raise ZooError("expected at least one image to take the style of, got none")
        self._fetch_style_encoder()
        if "style_encoder" not in self.parts:
            raise ZooError(
                f"{self.recipe.name} has no style encoder, which reads an image's noise back. Train one by "
                "a recipe with a style_encoder whose pretrain is this model's run, and name that new run "
                "here"
            )
        pixels = np.stack([np.asarray(square(image, self.resolution)) for image in styles])
        style_images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(127.5).sub(1)  # [S,3,R,R]
        with self.parts.evaluating():
            noise = torch.cat(
                [self.parts.style_encoder(part.to(self.device)).vector for part in style_images.split(_CHUNK)]
            )
        return self._generate(captions, noise, torch.zeros(len(noise), self.parts.code_width))

    @torch.inference_mode()
    def interpolate(
        self,
        first: str,
        second: str | None = None,
        *,
        between: Between = "text",
        steps: int = 8,
        seed: int = 0,
    ) -> Tensor:
        """Images [rows,columns,3,R,R] in [-1,1], on the CPU, from one caption or noise to another.

        As figure 8 of GAN-CLS (arXiv:1605.05396). `steps` rows go from caption `first` to `second`, one where
        `between` is "noise"; `steps` columns from the noise of the seed's image 0 to that of its image 1, one
        where it is "text". Ends are included, and are what `generate(caption, seed, images=2)` gives.

        Sentences are interpolated linearly before they are conditioned (its section 4.3, equation 5), and so
        is each word of `first` with the word of `second` at the same place, as a share of the caption's
        length. The noise and the conditioning's noise go along the sphere (arXiv:1609.04468, section 2.1).
        Raises `ZooError` for a caption missing or too many, for less than 2 steps, and where `generate`
        would.
        """
        if steps < 2:
            raise ZooError(f"expected 2 steps or more, including both ends, got {steps}")
        self._check_memory(steps**2 if between == "both" else steps)
        if between == "noise" and second is not None:
            raise ZooError(f"expected one caption between two noises, got another: {second!r}")
        if between != "noise" and not self.reads_text:
            raise ZooError(f"{self.recipe.name} reads no text: it only interpolates between noises")
        if between != "noise" and second is None:
            raise ZooError(
                f"expected a second caption after {first!r}; with one caption, interpolate between noises"
            )
        ends = [first] if second is None else [first, second]
        self._split(ends)
        # Each alone, so that its words carry no padding.
        texts = [self._read(self.tokens([caption])) for caption in ends]
        ways = [step / (steps - 1) for step in range(steps)]
        noises = torch.cat(self.noise(seed, 2), dim=1)  # [2,Z+C]
        if between == "text":
            noises = noises[:1]
        else:
            noises = torch.stack([_on_sphere(noises[0], noises[1], way) for way in ways])
        rows = texts if between == "noise" else [_between(texts[0], texts[1], way) for way in ways]
        width = self.parts.generator.spec.noise_width
        return torch.stack(
            [
                torch.cat(
                    [
                        self._forward(_repeated(text, len(part)), part[:, :width], part[:, width:]).images[-1]
                        for part in noises.split(_CHUNK)
                    ]
                ).cpu()
                for text in rows
            ]
        )

    def _generate(self, captions: str | Sequence[str], noise: Tensor, code_noise: Tensor) -> Samples:
        """Every caption with every row of the noise [I,Z] and of the conditioning's noise [I,C]."""
        captions = [captions] if isinstance(captions, str) else list(captions)
        if not captions:
            raise ZooError("expected at least one caption, got none")
        words = self._split(captions)
        # once, so that every chunk's attention has the same length
        tokens = self.tokens(captions)
        rows = [(c, i) for c in range(len(captions)) for i in range(len(noise))]
        generated = []
        for at in range(0, len(rows), _CHUNK):
            part = rows[at : at + _CHUNK]
            own = None if tokens is None else Tokens(*(t[[c for c, _ in part]] for t in tokens))
            which = [i for _, i in part]
            generated.append(self._forward(self._read(own, len(part)), noise[which], code_noise[which]))
        return Samples(
            images=tuple(
                torch.cat(at_resolution).cpu()
                for at_resolution in zip(*(d.images for d in generated), strict=True)
            ),
            attention=tuple(
                torch.cat(stage).cpu() for stage in zip(*(d.attention for d in generated), strict=True)
            ),
            words=words,
        )

    def _split(self, captions: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """The pieces of each caption; raises `ZooError` for one that the model cannot read."""
        words: tuple[tuple[str, ...], ...] = ((),) * len(captions)
        if self.reads_text:
            words = tuple(tuple(self.parts.text_encoder.split(caption)) for caption in captions)
        for caption, pieces in zip(captions, words, strict=True):
            if self.reads_text and not pieces:
                raise ZooError(f"no word of the caption {caption!r} is known to this model")
            if caption and not self.reads_text:
                raise ZooError(f"this model reads no text; expected no caption, got {caption!r}")
        return words

    def tokens(self, captions: Sequence[str]) -> Tokens | None:
        """What the text encoder reads of captions: ids and mask [B,L]; None where it reads no text."""
        return self.parts.text_encoder.tokenize(captions) if self.reads_text else None

    def _read(self, tokens: Tokens | None, count: int = 1) -> Text:
        """What the text encoder reads; `count` sentences [B,0] where there is none."""
        if tokens is None:
            return Text(torch.zeros(count, 0, device=self.device, dtype=self.dtype))
        with self.parts.evaluating():
            return self.parts.encode(tokens, self.device)

    def noise(self, seed: int, images: int) -> tuple[Tensor, Tensor]:
        """The generator's noise [I,Z] and the conditioning's [I,C]; row i depends on (seed, i) alone."""
        widths = (self.parts.generator.spec.noise_width, self.parts.code_width)
        rows = [
            [torch.randn(width, generator=source) for width in widths]
            for source in (seeded(seed, i) for i in range(images))
        ]
        noise, code_noise = (torch.stack(column) for column in zip(*rows, strict=True))
        return noise, code_noise

    def _forward(self, text: Text, noise: Tensor, code_noise: Tensor) -> Generated:
        with self.parts.evaluating():
            condition = self.parts.condition(text, code_noise.to(self.device, self.dtype))
            generated: Generated = self.parts.generator(
                noise.to(self.device, self.dtype), condition, text, self.growth
            )
        return generated

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write the pipeline as a folder of safetensors files, in place of an old one."""
        return save(self.recipe, self.parts, Path(folder))

    def push_to_hub(self, repo: str, private: bool = False, *, license: str | None = None) -> str:
        """Upload the pipeline and a model card to "org/name" on the Hub, in one commit; the commit's URL.

        What `zoo push` uploads of a run, parts that only training needs, is not in a pipeline. private: a
        repository that is not there yet is made so. license: as the Hub spells it; None: "mit" of procedural
        data, else "unknown". Raises `ZooError` for all that the Hub refuses.
        """
        repository(repo)  # before anything is written
        with TemporaryDirectory() as folder:
            own = self.save_pretrained(Path(folder) / "model")
            return push(own, repo, private=private, license=license, about=self.origin)

    @classmethod
    def from_pretrained(
        cls, model: str | Path, *, revision: str | None = None, device: str | torch.device | None = None
    ) -> Pipeline:
        """Read what `save_pretrained` wrote: a folder, a run's, or "org/name@revision" on the Hub.

        revision: a branch, a tag or a commit on the Hub. Raises `ZooError` where there is no such model.
        """
        chosen = device_named(device)  # before anything is fetched
        folder = locate(model, revision=revision)
        recipe = Model(folder).recipe()
        check_generates(recipe, model)
        kinds: tuple[str, ...] = SAMPLING
        if Model(folder).part("style_encoder").is_file():  # not fetched for sampling
            kinds = (*SAMPLING, "style_encoder")
        parts = assemble(recipe, TextSource(folder=folder), kinds=kinds, folder=folder)
        pipe = cls(recipe, parts, Model(folder).config().made_with, origin=folder)
        return pipe.to(chosen)

    def _fetch_style_encoder(self) -> None:
        """Of a pipeline from the Hub: bring the style encoder, which sampling did not need."""
        place = None if self.origin is None else cached(self.origin)
        if place is None or "style_encoder" not in self.recipe.parts or "style_encoder" in self.parts:
            return
        kinds = (*SAMPLING, "style_encoder")
        folder = fetch(place, parts=kinds)
        parts = assemble(self.recipe, TextSource(folder=folder), kinds=kinds, folder=folder)
        self.parts.modules["style_encoder"] = parts.style_encoder.to(self.device)


def _elsewhere(keyword: str) -> str:
    """What a keyword that a pipeline's call has not is here."""
    own = ("captions", "seed", "images")
    return _ELSEWHERE.get(keyword) or f"expected {', '.join(own)}{near(keyword, own)}"


def _between(first: Text, second: Text, way: float) -> Text:
    """The text at `way`, 0 to 1, from one caption [1,…] to another.

    So that each word of the one meets its like in the other by its place, both are stretched to one length:
    their words stand there several times each, all equally often. Attention does not notice that, since all
    its scores grow alike; at either end it is the one caption's.
    """
    sentence = torch.lerp(first.sentence, second.sentence, way)
    if first.words is None or first.mask is None or second.words is None or second.mask is None:
        return Text(sentence)
    own = (first.words[first.mask], second.words[second.mask])  # each [L,D], without padding
    length = math.lcm(*(len(words) for words in own))
    near, far = (words.repeat_interleave(length // len(words), dim=0) for words in own)
    words = torch.lerp(near, far, way)  # [length,D]
    return Text(sentence, words.unsqueeze(0), words.new_ones(1, length, dtype=torch.bool))


def _repeated(text: Text, count: int) -> Text:
    """The text of one caption [1,…] for `count` images."""
    rows = torch.zeros(count, dtype=torch.int64, device=text.sentence.device)
    return Text(text.sentence[rows], *(None if part is None else part[rows] for part in text[1:]))


# White 2016 (arXiv:1609.04468), section 2.1: sin((1-t) w)/sin(w) a + sin(t w)/sin(w) b, w the angle between
def _on_sphere(first: Tensor, second: Tensor, way: float) -> Tensor:
    angle = torch.arccos(torch.nn.functional.cosine_similarity(first, second, dim=0))
    return (((1 - way) * angle).sin() * first + (way * angle).sin() * second) / angle.sin()


def load(
    model: str | Path, revision: str | None = None, *, device: str | torch.device | None = None
) -> Pipeline:
    """A trained pipeline: a model's folder, a run's, or "org/name" or "org/name@revision" on the Hub.

    A folder that exists wins over a repository of the same spelling. revision: a branch, a tag or a commit.
    Raises `ZooError` where there is none.
    """
    return Pipeline.from_pretrained(model, revision=revision, device=device)


from_pretrained = load


def save(recipe: Recipe, parts: Parts, folder: Path) -> Path:
    """Write a model's folder: configuration, card, one safetensors file per part, the tokenizer."""
    return Snapshot.of(parts).write(recipe, parts, folder)


@dataclass(frozen=True)
class Snapshot:
    """The weights of parts, and how far a growing generator had grown."""

    weights: Mapping[str, Mapping[str, Tensor]]  # by the parts' places
    growth: Growth | None
    step: int | None = None  # of its training, after which

    @classmethod
    def of(cls, parts: Parts, step: int | None = None) -> Snapshot:
        """The live tensors of some parts."""
        return cls({kind: module.state_dict() for kind, module in parts.modules.items()}, parts.growth, step)

    def copied(self) -> Snapshot:
        """A copy in the CPU's memory, which training does not change."""
        weights = {
            kind: {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
            for kind, state in self.weights.items()
        }
        return replace(self, weights=weights)

    def write(self, recipe: Recipe, parts: Parts, folder: Path) -> Path:
        """Write a model's folder. parts: whose text encoder knows its tokenizer.

        Raises `ZooError` where a number is not finite.
        """
        table = recipe.locked()
        table.pop("pretrain", None)
        for kind in SINGLE:
            if kind in table:
                table[kind].pop("weights", None)
        with folder_written_beside(folder) as beside:
            for kind, state in self.weights.items():
                file = Model(beside).part(kind)
                file.parent.mkdir(exist_ok=True)
                weights.write(file, state)
            if "text_encoder" in parts:
                parts.text_encoder.save_tokenizer(beside)
            growth = None if self.growth is None else Grown(**self.growth._asdict())
            made = made_with(recipe)
            config = Config(format=FORMAT, recipe=table, made_with=made, growth=growth, step=self.step)
            Model(beside).write_config(config)
            write_card(beside, about=folder)
        return folder
