"""The studio's API. The page calls it, and so do programs; they are shown these docstrings.

Annotations are not postponed here: Gradio reads them, for what an endpoint takes and gives.
"""

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Condition
from typing import Any, Concatenate, ParamSpec, TypeVar

import gradio as gr
import numpy as np
from PIL import Image

from zoo_registry import ZooError

from ..files.run import RECIPE
from ..imaging.animation import there_and_back, write_animation
from ..imaging.grids import image_grid, labelled_grid, upscaled
from ..pipeline import Pipeline
from . import work
from .kept_files import KeptFiles
from .served_models import StudioModels

P = ParamSpec("P")
R = TypeVar("R")
File = dict[str, Any]
"""A file as Gradio's clients download it."""


class Running:
    """How many requests are being answered: while one is, files are written to the studio's folder."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._count = 0
        self._ended = False

    def __enter__(self) -> None:
        with self._changed:
            if self._ended:
                raise ZooError("the studio is ending")
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def end(self, seconds: float) -> None:
        """Let no more in, and wait until all have ended, but no longer than so many seconds."""
        with self._changed:
            self._ended = True
            self._changed.wait_for(lambda: self._count == 0, seconds)


def _endpoint(function: Callable[Concatenate["Endpoints", P], R]) -> Callable[Concatenate["Endpoints", P], R]:
    """Tell a user's mistake to the client; it is no fault of the server's, whose log stays clean."""

    @functools.wraps(function)
    def answered(self: "Endpoints", /, *given: P.args, **named: P.kwargs) -> R:
        try:
            with self.running:
                return function(self, *given, **named)
        except ZooError as error:
            raise gr.Error(str(error), print_exception=False) from None

    return answered


class Endpoints:
    """What can be asked for. Names of models are checked against those that are served, files against the
    folder of uploads, and every value for its form.
    """

    def __init__(self, models: StudioModels, files: KeptFiles) -> None:
        self.models, self.files = models, files
        self.running = Running()

    @_endpoint
    def about(self, model: str) -> dict:  # type: ignore[type-arg]
        """What a model is: its recipe, paper and data, what it can do, captions like those it learnt from,
        and a model to compare it with.
        """
        model = self._named(model)
        recipe = self.models.recipe(model)
        reads_text = "text_encoder" in recipe.parts
        return {
            "recipe": recipe.name,
            "paper": recipe.paper,
            "data": self.models.facts(model).data,
            "resolution": self.models.gallery(model).resolution,
            "reads_text": reads_text,
            "attends": "words" in recipe.parts["generator"].component.needs,
            "restyles": "style_encoder" in recipe.parts,
            "captions": self.models.proposed(model) if reads_text else [],
            "compare_with": self.models.same_data(model),
        }

    @_endpoint
    def gallery(self, model: str) -> dict:  # type: ignore[type-arg]
        """Images of a model as one PNG, and the caption of each of its rows."""
        gallery = self.models.gallery(self._named(model))
        rows = [caption if work.is_caption(caption) else "" for caption in gallery.captions]
        return {
            "captions": rows,
            "columns": gallery.columns,
            "resolution": gallery.resolution,
            "image": self._image(gallery.grid),
        }

    @_endpoint
    def unknown(self, model: str, captions: str) -> list[dict]:  # type: ignore[type-arg]
        """The words of each caption, one per line, that the model does not know and leaves out."""
        pipe = self._pipe(model)
        lines = work.written(captions, "captions").splitlines()[: work.CAPTIONS]
        return [
            {"caption": line, "unknown": list(pipe.unknown(line))}
            for line in (line[: work.LETTERS] for line in lines)
        ]

    @_endpoint
    def generate(
        self, model: str, captions: str, images: float = 4, seed: float = 0
    ) -> tuple[list[dict], dict, dict, str]:  # type: ignore[type-arg]
        """Generate images of captions, one per line.

        Gives the images with their captions, caption by caption; all of them as one PNG; the recipe; and the
        command that generates the same.
        """
        pipe = self._pipe(model)
        asked = work.request(model, pipe, captions, images, seed)
        generated = pipe(asked.captions, asked.seed, asked.images)
        if len(asked.captions) > 1:
            grid = labelled_grid(generated, asked.images, asked.captions)
        else:
            grid = image_grid(generated, asked.images)
        return self._listed(generated, asked.captions), self._image(grid), self._recipe(pipe), asked.command

    @_endpoint
    def attention(self, model: str, captions: str, images: float = 4, seed: float = 0) -> list[dict]:  # type: ignore[type-arg]
        """What each word had of the attention in images of captions, as `generate` gives them.

        For each caption: its words, and for each stage that attends to words, in order, `height`, `width`,
        and `maps`, a grey PNG of [images · height, words · width] pixels whose white is the share `most`. No
        stage where the generator does not attend to words.
        """
        pipe = self._pipe(model)
        asked = work.request(model, pipe, captions, images, seed)
        samples = pipe.generate(asked.captions, asked.seed, asked.images)
        answer = []
        for place, (caption, words) in enumerate(zip(asked.captions, samples.words, strict=True)):
            own = slice(place * asked.images, (place + 1) * asked.images)
            stages = []
            for stage in samples.attention:
                maps = stage[own, : len(words)].float().numpy()  # [I,L,h,w]
                most = float(maps.max())
                count, length, height, width = maps.shape
                sheet = maps.transpose(0, 2, 1, 3).reshape(count * height, length * width) / max(most, 1e-12)
                picture = Image.fromarray((255 * sheet).round().astype(np.uint8))
                stages.append({"height": height, "width": width, "most": most, "maps": self._image(picture)})
            answer.append({"caption": caption, "words": list(words), "stages": stages})
        return answer

    @_endpoint
    def between(self, model: str, first: str, second: str, seed: float = 0) -> tuple[list[dict], dict]:  # type: ignore[type-arg]
        """Interpolate between two captions, with one noise: images, and a GIF there and back."""
        generated = work.between(self._pipe(model), first, second, seed)
        path = self.files.new("between.gif")
        write_animation(path, there_and_back([upscaled(image) for image in generated]))
        return [self._image(image) for image in generated], self._file(path)

    @_endpoint
    def swap(
        self, model: str, caption: str, word: str, others: str, images: float = 4, seed: float = 0
    ) -> tuple[list[dict], str]:  # type: ignore[type-arg]
        """Generate a caption and its variants, with others, separated by commas, in a word's place.

        All from the same noise: the images with their captions, variant by variant; and the command.
        """
        pipe = self._pipe(model)
        asked = work.request(model, pipe, "\n".join(work.swapped(caption, word, others)), images, seed)
        return self._listed(pipe(asked.captions, asked.seed, asked.images), asked.captions), asked.command

    @_endpoint
    def restyle(self, model: str, image: dict, caption: str) -> dict:  # type: ignore[type-arg]
        """Generate an image of a caption in the style of another, which was uploaded."""
        pipe = self._pipe(model)
        return self._image(work.restyled(pipe, self._uploaded(image), caption))

    @_endpoint
    def compare(
        self, model: str, other: str, captions: str, images: float = 4, seed: float = 0
    ) -> tuple[list[dict], list[dict]]:  # type: ignore[type-arg]
        """Generate images of the same captions with two models."""
        pipes = [self._pipe(model), self._pipe(other)]
        answers = []
        for name, pipe in zip((model, other), pipes, strict=True):
            asked = work.request(name, pipe, captions if pipe.reads_text else "", images, seed)
            answers.append(self._listed(pipe(asked.captions, asked.seed, asked.images), asked.captions))
        return answers[0], answers[1]

    def _named(self, model: object) -> str:
        return work.written(model, "model")

    def _pipe(self, model: object) -> Pipeline:
        return self.models[self._named(model)]

    def _uploaded(self, image: object) -> str | None:
        """The path of an upload, None for none. Raises `ZooError` for any other file of the server's."""
        if image is None:
            return None
        path = image.get("path") if isinstance(image, dict) else None
        if not isinstance(path, str) or not self.files.holds(path):
            raise ZooError(
                "expected an image that was uploaded; it may have been removed since: upload it again"
            )
        return path

    def _listed(self, images: Sequence[Image.Image], captions: Sequence[str]) -> list[dict[str, Any]]:
        count = len(images) // len(captions)
        return [
            {"image": self._image(image), "caption": captions[place // count]}
            for place, image in enumerate(images)
        ]

    def _image(self, image: Image.Image) -> File:
        path = self.files.new("image.png")
        image.save(path)
        return self._file(path)

    def _recipe(self, pipe: Pipeline) -> File:
        """The recipe with every default filled in, as `zoo train` reads it."""
        path = self.files.new(RECIPE)  # not by its own name, which a model from the Hub chooses
        path.write_text(json.dumps(pipe.recipe.locked(), indent=2) + "\n", encoding="utf-8")
        return self._file(path)

    def _file(self, path: Path) -> File:
        size = path.stat().st_size
        self.files.add(size)
        meta = {"_type": "gradio.FileData"}
        return {"path": str(path), "orig_name": path.name, "size": size, "url": None, "meta": meta}
