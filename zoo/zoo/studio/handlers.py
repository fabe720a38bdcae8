"""What the page's buttons do. Each is an endpoint of the API, which shows its docstring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gradio as gr
from PIL import Image

from zoo_registry import ZooError

from ..imaging.grids import upscaled
from ..imaging.images import to_pillow
from . import words, work
from .served_models import StudioModels


@contextmanager
def _user_errors() -> Iterator[None]:
    """Show a user's mistake as a message."""
    try:
        yield
    except ZooError as error:
        raise gr.Error(str(error), print_exception=False) from None


class Handlers:
    """What the page's buttons do. Names of models are checked against those of the page."""

    def __init__(self, models: StudioModels) -> None:
        self.models, self.kept = models, work.Kept()

    def about(self, model: str) -> str:
        """What a model is: its recipe, its resolution, what it can do."""
        with _user_errors():
            pipe = self.models[model]
        can = ["reads captions" if pipe.reads_text else "takes no captions"]
        can += ["restyles images"] if "style_encoder" in pipe.recipe.parts else []
        paper = f", after {pipe.recipe.paper}" if pipe.recipe.paper else ""
        return f"`{pipe.recipe.name}`{paper}: {pipe.resolution} × {pipe.resolution} pixels, {', '.join(can)}"

    def proposed(self, model: str) -> gr.Dataset:
        """Captions like those that a model learnt from, to be picked."""
        with _user_errors():
            self.models[model]  # on the Hub they come with it
        samples = [[caption] for caption in self.captions(model)]
        return gr.Dataset(samples=samples, visible=bool(samples))

    def captions(self, model: str) -> list[str]:
        """Those of a model's captions, which are anybody's data, that can be asked for."""
        return [caption for caption in self.models.captions(model) if work.is_caption(caption)][
            : work.CAPTIONS
        ]

    def unknown(self, model: str, captions: str) -> str:
        """The captions with words marked that do not reach the image, as HTML; empty where all do."""
        with _user_errors():
            pipe = self.models[model]
        lines = [line[: work.LETTERS] for line in captions.splitlines()[: work.CAPTIONS]]
        return "".join(words.marked(line, pipe.unknown(line)) for line in lines)

    def generate(self, model: str, captions: str, images: float, seed: float) -> tuple[Any, ...]:
        """Generate images of captions, one per line.

        Gives the images, caption by caption; where the first one's stages looked, as HTML; all images as
        one PNG; the recipe; and the command that generates the same.
        """
        with _user_errors():
            pipe = self.models[model]
            asked = work.request(model, pipe, captions, images, seed)
            samples = pipe.generate(asked.captions, asked.seed, asked.images)
        generated = to_pillow(samples.images[-1])
        return (
            _gallery(generated, asked.captions),
            words.looked(samples, 0),
            self.kept.grid(generated, asked.images),
            self.kept.recipe(pipe),
            asked.command,
            asked,
        )

    def look(self, asked: work.Request | None, chosen: gr.SelectData) -> str:
        """Where the stages looked for the image that was chosen."""
        if asked is None:
            return ""
        caption, image = divmod(chosen.index, asked.images)
        samples = self.models[asked.model].generate(asked.captions[caption], asked.seed, image + 1)
        return words.looked(samples, image)

    def between(self, model: str, first: str, second: str, seed: float) -> tuple[Any, ...]:
        """Interpolate between two captions, with one noise: images, and a GIF there and back."""
        with _user_errors():
            generated = work.between(self.models[model], first, second, seed)
        middle = len(generated) // 2
        return generated, enlarged(generated[middle]), middle, self.kept.animation(generated), generated

    def frame(self, frames: Sequence[Image.Image], at: float) -> Image.Image | None:
        """The frame where the slider stands."""
        return enlarged(frames[int(at)]) if frames else None

    def swap(
        self, model: str, caption: str, word: str, others: str, images: float, seed: float
    ) -> tuple[list[tuple[Image.Image, str]], str]:
        """Generate a caption and its variants from the same noise: images by variant; the command."""
        with _user_errors():
            pipe = self.models[model]
            lines = work.swapped(caption, word, others)
            asked = work.request(model, pipe, "\n".join(lines), images, seed)
            generated = pipe(asked.captions, asked.seed, asked.images)
        return _gallery(generated, asked.captions), asked.command

    def restyle(self, model: str, image: str | None, caption: str) -> Image.Image:
        """Generate an image of a caption in the style of another."""
        with _user_errors():
            return enlarged(work.restyled(self.models[model], image, caption))

    def compare(self, model: str, other: str, captions: str, images: float, seed: float) -> tuple[Any, ...]:
        """Generate images of the same captions with two models."""
        with _user_errors():
            galleries = []
            for name in (model, other):
                pipe = self.models[name]
                asked = work.request(name, pipe, captions if pipe.reads_text else "", images, seed)
                galleries.append(_gallery(pipe(asked.captions, asked.seed, asked.images), asked.captions))
        return tuple(galleries)


def _gallery(generated: Sequence[Image.Image], captions: Sequence[str]) -> list[tuple[Image.Image, str]]:
    count = len(generated) // len(captions)
    return [(enlarged(image), captions[place // count]) for place, image in enumerate(generated)]


def enlarged(image: Image.Image) -> Image.Image:
    """The image at a size that a page shows sharply."""
    return upscaled(image, 256)
