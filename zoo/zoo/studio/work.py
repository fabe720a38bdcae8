"""What the studio does for a client: checks what was asked for, and generates."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from zoo_registry import ZooError
from zoo_registry.contracts import Record

from ..data.decode import ImageError, open_image, opened
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
PIXELS = 25_000_000
"""Most pixels of an uploaded image: decoded, each takes four bytes or so of memory."""


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


def request(model: str, pipe: Pipeline, text: object, images: object, seed: object) -> Request:
    """What a client asks for: one caption per line. Raises `ZooError` where it is too much or too little."""
    captions = tuple(line.strip() for line in written(text, "captions").splitlines() if line.strip())
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
    count = whole(images, f"1 to {IMAGES} images per caption", range(1, IMAGES + 1))
    return Request(model, captions, count, seeded(seed))


def written(value: object, name: str) -> str:
    """A text of a client's. Raises `ZooError` for what is none."""
    if not isinstance(value, str):
        raise ZooError(f"{name}: expected a text, got {_described(value)}")
    if any("\ud800" <= letter <= "\udfff" for letter in value):  # halves of a pair, which no file can hold
        raise ZooError(f"{name}: expected Unicode text")
    return value


def whole(value: object, expected: str, allowed: range) -> int:
    """An integer of a client's, of those that are allowed. Raises `ZooError` for what is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
        raise ZooError(f"expected {expected}, got {_described(value)}")
    return value


def _described(value: object) -> str:
    """A value in a few letters."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def sentence(text: object) -> str:
    """A caption of a length that is read. Raises `ZooError` for a longer one."""
    caption = written(text, "caption").strip()
    if len(caption) > LETTERS:
        raise ZooError(f"expected a caption of {LETTERS} characters or fewer, got {len(caption)}")
    return caption


def is_caption(text: str) -> bool:
    """Whether a text can be asked for as one caption."""
    return text.splitlines() == [text.strip()] and len(text) <= LETTERS


def seeded(seed: object) -> int:
    """A seed. Raises `ZooError` for what is none."""
    return whole(seed, f"a seed that is an integer from 0 to {LAST_SEED}", range(LAST_SEED + 1))


def between(pipe: Pipeline, first: object, second: object, seed: object) -> list[Image.Image]:
    """`STEPS` images from one caption to another, by one noise."""
    generated = pipe.interpolate(
        sentence(first), sentence(second), between="text", steps=STEPS, seed=seeded(seed)
    )
    return to_pillow(generated.flatten(0, 1))


def swapped(caption: object, word: object, others: object) -> list[str]:
    """The caption and its variants. others: separated by commas."""
    found = [other.strip() for other in written(others, "others").split(",") if other.strip()]
    replaced = written(word, "word").strip()
    if not replaced or not found:
        raise ZooError("expected a word of the caption and its replacements, such as: red, and blue, green")
    if len(found) >= CAPTIONS:
        raise ZooError(f"expected {CAPTIONS - 1} replacements or fewer, got {len(found)}")
    return varied(sentence(caption), replaced, found)


def restyled(pipe: Pipeline, file: str | None, caption: object) -> Image.Image:
    """The caption generated in the style of an uploaded image."""
    if file is None:
        raise ZooError("expected an image: upload one")
    if (pixels := _pixels(Path(file))) > PIXELS:
        raise ZooError(f"expected an image of {PIXELS:,} pixels or fewer, got {pixels:,}")
    try:
        style = open_image(Record("the image", Path(file), ()))
    except ImageError as error:
        raise ZooError(f"the image cannot be used: {error.what}") from None
    return to_pillow(pipe.restyle(style, sentence(caption)).images[-1])[0]


def _pixels(file: Path) -> int:
    """How many pixels an image has by its header; 0 of what is none, which decoding will tell."""
    try:
        with opened(file) as image:
            return image.width * image.height
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return PIXELS + 1
    except Exception:  # a damaged file makes Pillow raise anything
        return 0
