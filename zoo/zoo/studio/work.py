"""What the page does for a client: the limits of what is asked, the drawing, the files to take along."""

from __future__ import annotations

import atexit
import json
import shlex
import shutil
import tempfile
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from zoo_registry import ZooError
from zoo_registry.contracts import Record

from ..captions import varied
from ..data.decode import PictureError, open_picture
from ..pipeline import Pipeline, to_pillow
from ..report.figures import image_grid, upscaled
from ..video import there_and_back, write_animation

LETTERS = 300
"""The longest caption, in characters."""
CAPTIONS = 8
"""Most captions of one request."""
IMAGES = 8
"""Most images a caption."""
STEPS = 9
"""From one caption to another, both included."""
LAST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Request:
    """A drawing that can be had again: the same model, captions, count and seed give the same pictures."""

    model: str
    captions: tuple[str, ...]
    images: int
    seed: int

    @property
    def command(self) -> str:
        """The command line that draws it."""
        captions = [caption for caption in self.captions if caption]
        numbers = ["--images", str(self.images), "--seed", str(self.seed)]
        return shlex.join(["zoo", "sample", self.model, *captions, *numbers, "--out", "picture.png"])


def request(model: str, pipe: Pipeline, text: str, images: float, seed: float) -> Request:
    """What a client asks for: one caption a line. Raises `ZooError` where it is too much or too little."""
    captions = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not pipe.reads_text:
        if captions:
            raise ZooError(f"{model} draws without captions; leave the field empty")
        captions = ("",)
    if not captions:
        raise ZooError("a caption is wanted, as: a small red bird")
    if len(captions) > CAPTIONS:
        raise ZooError(f"{CAPTIONS} captions or fewer are drawn at once, found {len(captions)}")
    for line in captions:
        sentence(line)
    if not 1 <= images <= IMAGES or images != int(images):
        raise ZooError(f"1 to {IMAGES} images a caption are drawn, found {images:g}")
    return Request(model, captions, int(images), seeded(seed))


def sentence(text: str) -> str:
    """A caption of a length that is read. Raises `ZooError` for a longer one."""
    caption = text.strip()
    if len(caption) > LETTERS:
        raise ZooError(f"a caption has {LETTERS} characters or fewer, found {len(caption)}")
    return caption


def is_caption(text: str) -> bool:
    """Whether a text can be asked for as one caption."""
    return text.splitlines() == [text.strip()] and len(text) <= LETTERS


def seeded(seed: float) -> int:
    """A seed. Raises `ZooError` for what is none."""
    if seed != int(seed) or not 0 <= seed <= LAST_SEED:
        raise ZooError(f"a seed is a whole number from 0 to {LAST_SEED}, found {seed:g}")
    return int(seed)


def between(pipe: Pipeline, first: str, second: str, seed: float) -> list[Image.Image]:
    """`STEPS` pictures from one caption to another, by one noise."""
    drawn = pipe.interpolate(
        sentence(first), sentence(second), between="text", steps=STEPS, seed=seeded(seed)
    )
    return to_pillow(drawn.flatten(0, 1))


def swapped(caption: str, word: str, others: str) -> list[str]:
    """The caption and its variants. others: separated by commas."""
    found = [other.strip() for other in others.split(",") if other.strip()]
    if not word.strip() or not found:
        raise ZooError(
            "a word of the caption and what stands in its place are wanted, as: red, and blue, green"
        )
    if len(found) >= CAPTIONS:
        raise ZooError(f"{CAPTIONS - 1} words or fewer are tried in its place, found {len(found)}")
    return varied(sentence(caption), word.strip(), found)


def restyled(pipe: Pipeline, file: str | None, caption: str) -> Image.Image:
    """The caption drawn in the style of an uploaded picture."""
    if file is None:
        raise ZooError("a picture is wanted: upload one")
    try:
        style = open_picture(Record("the picture", lambda: Image.open(file), ()))
    except PictureError as fault:
        raise ZooError(f"the picture cannot be used: {fault.what}") from None
    return to_pillow(pipe.restyle(style, sentence(caption)).images[-1])[0]


class Kept:
    """Files for clients to take along, in a folder that goes with the process.

    Gradio copies each into its own cache as it answers, so that the newest are enough.
    """

    def __init__(self, most: int = 64) -> None:
        self._folder = tempfile.mkdtemp(prefix="zoo-studio-")
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        self._folders: deque[Path] = deque()
        self._most = most

    def _new(self, name: str) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        self._folders.append(folder)
        if len(self._folders) > self._most:
            shutil.rmtree(self._folders.popleft())
        return folder / name

    def grid(self, pictures: Sequence[Image.Image], columns: int) -> str:
        """A PNG of pictures as they were drawn, a row a caption."""
        path = self._new("picture.png")
        image_grid(pictures, columns).save(path)
        return str(path)

    def recipe(self, pipe: Pipeline) -> str:
        """The recipe with every default filled in, as `zoo train` reads it."""
        path = self._new("recipe.json")  # not by its own name, which a model from the Hub chooses
        path.write_text(json.dumps(pipe.recipe.locked(), indent=2) + "\n", encoding="utf-8")
        return str(path)

    def animation(self, pictures: Sequence[Image.Image]) -> str:
        """A GIF there and back."""
        path = self._new("between.gif")
        write_animation(path, there_and_back([upscaled(picture) for picture in pictures]))
        return str(path)
