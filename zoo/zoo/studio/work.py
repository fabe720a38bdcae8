"""What the page does for a client: checks requests, generates, writes files for download."""

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

from ..data.decode import ImageError, open_image
from ..imaging.animation import there_and_back, write_animation
from ..imaging.grids import image_grid, upscaled
from ..imaging.images import to_pillow
from ..pipeline import Pipeline
from ..vary import varied

LETTERS = 300
"""The longest caption, in characters."""
CAPTIONS = 8
"""Most captions of one request."""
IMAGES = 8
"""Most images per caption."""
STEPS = 9
"""From one caption to another, both included."""
LAST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Request:
    """What to generate: the same model, captions, count and seed give the same images."""

    model: str
    captions: tuple[str, ...]
    images: int
    seed: int

    @property
    def command(self) -> str:
        """The command line that generates the same."""
        captions = [caption for caption in self.captions if caption]
        numbers = ["--images", str(self.images), "--seed", str(self.seed)]
        return shlex.join(["zoo", "sample", self.model, *captions, *numbers, "--out", "image.png"])


def request(model: str, pipe: Pipeline, text: str, images: float, seed: float) -> Request:
    """What a client asks for: one caption per line. Raises `ZooError` where it is too much or too little."""
    captions = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not pipe.reads_text:
        if captions:
            raise ZooError(f"{model} takes no captions; leave the field empty")
        captions = ("",)
    if not captions:
        raise ZooError("expected a caption, such as: a small red bird")
    if len(captions) > CAPTIONS:
        raise ZooError(f"expected {CAPTIONS} captions or fewer, got {len(captions)}")
    for line in captions:
        sentence(line)
    if not 1 <= images <= IMAGES or images != int(images):
        raise ZooError(f"expected 1 to {IMAGES} images per caption, got {images:g}")
    return Request(model, captions, int(images), seeded(seed))


def sentence(text: str) -> str:
    """A caption of a length that is read. Raises `ZooError` for a longer one."""
    caption = text.strip()
    if len(caption) > LETTERS:
        raise ZooError(f"expected a caption of {LETTERS} characters or fewer, got {len(caption)}")
    return caption


def is_caption(text: str) -> bool:
    """Whether a text can be asked for as one caption."""
    return text.splitlines() == [text.strip()] and len(text) <= LETTERS


def seeded(seed: float) -> int:
    """A seed. Raises `ZooError` for what is none."""
    if seed != int(seed) or not 0 <= seed <= LAST_SEED:
        raise ZooError(f"expected a seed that is an integer from 0 to {LAST_SEED}, got {seed:g}")
    return int(seed)


def between(pipe: Pipeline, first: str, second: str, seed: float) -> list[Image.Image]:
    """`STEPS` images from one caption to another, by one noise."""
    generated = pipe.interpolate(
        sentence(first), sentence(second), between="text", steps=STEPS, seed=seeded(seed)
    )
    return to_pillow(generated.flatten(0, 1))


def swapped(caption: str, word: str, others: str) -> list[str]:
    """The caption and its variants. others: separated by commas."""
    found = [other.strip() for other in others.split(",") if other.strip()]
    if not word.strip() or not found:
        raise ZooError("expected a word of the caption and its replacements, such as: red, and blue, green")
    if len(found) >= CAPTIONS:
        raise ZooError(f"expected {CAPTIONS - 1} replacements or fewer, got {len(found)}")
    return varied(sentence(caption), word.strip(), found)


def restyled(pipe: Pipeline, file: str | None, caption: str) -> Image.Image:
    """The caption generated in the style of an uploaded image."""
    if file is None:
        raise ZooError("expected an image: upload one")
    try:
        style = open_image(Record("the image", Path(file), ()))
    except ImageError as error:
        raise ZooError(f"the image cannot be used: {error.what}") from None
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

    def grid(self, frames: Sequence[Image.Image], columns: int) -> str:
        """A PNG of images as generated, a row per caption."""
        path = self._new("image.png")
        image_grid(frames, columns).save(path)
        return str(path)

    def recipe(self, pipe: Pipeline) -> str:
        """The recipe with every default filled in, as `zoo train` reads it."""
        path = self._new("recipe.json")  # not by its own name, which a model from the Hub chooses
        path.write_text(json.dumps(pipe.recipe.locked(), indent=2) + "\n", encoding="utf-8")
        return str(path)

    def animation(self, frames: Sequence[Image.Image]) -> str:
        """A GIF there and back."""
        path = self._new("between.gif")
        write_animation(path, there_and_back([upscaled(image) for image in frames]))
        return str(path)
