"""What the page's buttons do. Each is an endpoint of the API, which shows its docstring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gradio as gr
from PIL import Image

from zoo_registry import ZooError

from ..pipeline import to_pillow
from ..report.figures import upscaled
from . import markup, work
from .offered import Offered


@contextmanager
def _told() -> Iterator[None]:
    """Show a user's mistake in words."""
    try:
        yield
    except ZooError as error:
        raise gr.Error(str(error), print_exception=False) from None


class Handlers:
    """What the page's buttons do. Names of models are checked against those that are offered."""

    def __init__(self, offered: Offered) -> None:
        self.offered, self.kept = offered, work.Kept()

    def about(self, model: str) -> str:
        """What a model is: its recipe, its side, what it can do."""
        with _told():
            pipe = self.offered[model]
        can = ["reads captions" if pipe.reads_text else "draws without captions"]
        can += ["restyles pictures"] if "style_encoder" in pipe.recipe.parts else []
        paper = f", after {pipe.recipe.paper}" if pipe.recipe.paper else ""
        return f"`{pipe.recipe.name}`{paper}: {pipe.side} × {pipe.side} pixels, {', '.join(can)}"

    def proposed(self, model: str) -> gr.Dataset:
        """Captions like those that a model learnt from, to be picked."""
        with _told():
            self.offered[model]  # on the Hub they come with it
        samples = [[caption] for caption in self.captions(model)]
        return gr.Dataset(samples=samples, visible=bool(samples))

    def captions(self, model: str) -> list[str]:
        """Those of a model's captions, which are anybody's data, that can be asked for."""
        return [caption for caption in self.offered.captions(model) if work.is_caption(caption)][
            : work.CAPTIONS
        ]

    def unknown(self, model: str, captions: str) -> str:
        """The captions with words marked that do not reach the picture, as HTML; empty where all do."""
        with _told():
            pipe = self.offered[model]
        lines = [line[: work.LETTERS] for line in captions.splitlines()[: work.CAPTIONS]]
        return "".join(markup.marked(line, pipe.unknown(line)) for line in lines)

    def draw(self, model: str, captions: str, images: float, seed: float) -> tuple[Any, ...]:
        """Draw captions, one a line.

        Gives the pictures, caption by caption; where the first one's stages looked, as HTML; all pictures as
        one PNG; the recipe; and the command that draws the same.
        """
        with _told():
            pipe = self.offered[model]
            asked = work.request(model, pipe, captions, images, seed)
            drawn = pipe.draw(asked.captions, asked.seed, asked.images)
        pictures = to_pillow(drawn.images[-1])
        return (
            _gallery(pictures, asked.captions),
            markup.looked(drawn, 0),
            self.kept.grid(pictures, asked.images),
            self.kept.recipe(pipe),
            asked.command,
            asked,
        )

    def look(self, asked: work.Request | None, chosen: gr.SelectData) -> str:
        """Where the stages looked for the picture that was chosen."""
        if asked is None:
            return ""
        caption, image = divmod(chosen.index, asked.images)
        drawn = self.offered[asked.model].draw(asked.captions[caption], asked.seed, image + 1)
        return markup.looked(drawn, image)

    def between(self, model: str, first: str, second: str, seed: float) -> tuple[Any, ...]:
        """Draw what lies between two captions, by one noise: pictures, and a GIF there and back."""
        with _told():
            pictures = work.between(self.offered[model], first, second, seed)
        middle = len(pictures) // 2
        return pictures, shown(pictures[middle]), middle, self.kept.animation(pictures), pictures

    def frame(self, frames: Sequence[Image.Image], at: float) -> Image.Image | None:
        """The picture of the way where the slider stands."""
        return shown(frames[int(at)]) if frames else None

    def swap(
        self, model: str, caption: str, word: str, others: str, images: float, seed: float
    ) -> tuple[list[tuple[Image.Image, str]], str]:
        """Draw a caption and its variants by the same noise: pictures, variant by variant; the command."""
        with _told():
            pipe = self.offered[model]
            lines = work.swapped(caption, word, others)
            asked = work.request(model, pipe, "\n".join(lines), images, seed)
            pictures = pipe(asked.captions, asked.seed, asked.images)
        return _gallery(pictures, asked.captions), asked.command

    def restyle(self, model: str, picture: str | None, caption: str) -> Image.Image:
        """Draw a caption in the style of a picture."""
        with _told():
            return shown(work.restyled(self.offered[model], picture, caption))

    def compare(self, model: str, other: str, captions: str, images: float, seed: float) -> tuple[Any, ...]:
        """Draw the same captions with two models."""
        with _told():
            sides = []
            for name in (model, other):
                pipe = self.offered[name]
                asked = work.request(name, pipe, captions if pipe.reads_text else "", images, seed)
                sides.append(_gallery(pipe(asked.captions, asked.seed, asked.images), asked.captions))
        return tuple(sides)


def _gallery(pictures: Sequence[Image.Image], captions: Sequence[str]) -> list[tuple[Image.Image, str]]:
    count = len(pictures) // len(captions)
    return [(shown(picture), captions[place // count]) for place, picture in enumerate(pictures)]


def shown(picture: Image.Image) -> Image.Image:
    """The picture at a size that a page shows sharply."""
    return upscaled(picture, 256)
