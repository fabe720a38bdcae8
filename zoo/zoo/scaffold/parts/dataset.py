"""A procedural data set: shapes on a plain ground. One that reads a folder has the same contract."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw

from zoo_registry import ZooError
from zoo_registry.contracts import Dataset, DataSource, Problem, Record

COLOURS = ("red", "orange", "green", "blue", "purple")
SHAPES = ("circle", "square", "triangle")
TEST_EVERY = 5  # one image in five is of the test split


class Shapes(Dataset):
    """Coloured shapes. The source's argument is the number of images, train and test ("": 1000).

    Image i depends on the source's seed and on i alone. Raises `ZooError` for an argument that is no count.
    """

    folder_layout = ""  # procedural; of a reader: what its folders hold, in one line

    def __init__(self, source: DataSource, /) -> None:
        count = source.argument or "1000"
        if not (count.isascii() and count.isdigit() and int(count) > 0):
            raise ZooError(
                f"$part:{count}: {count!r} is no number of images; expected, for example, '$part:200'"
            )
        self.source, self.count, self.resolution = source, int(count), source.resolution or 64

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """No folder is a procedural data set."""
        return False

    def splits(self) -> tuple[str, ...]:
        """A set of one image has no test split."""
        return ("train", "test")[: self.count]

    def records(self, split: str) -> Sequence[Record]:
        """The images of a split, in order. Each is generated when its `image` is called."""
        return [self._record(i) for i in range(self.count) if (i % TEST_EVERY == 1) == (split == "test")]

    def problems(self) -> Sequence[Problem]:
        """None: procedural images have no problems."""
        return ()

    def fingerprint(self) -> str:
        """All that images and captions depend on. Raise the version when one of them changes."""
        return f"$part version=1 count={self.count} resolution={self.resolution} seed={self.source.seed}"

    def _record(self, number: int) -> Record:
        chance = Random(f"{self.source.seed} {number}")
        colour, shape = chance.choice(COLOURS), chance.choice(SHAPES)
        return Record(
            name=f"{number:06d}",
            image=partial(_image, colour, shape, chance.uniform(0.2, 0.4), self.resolution),
            captions=(f"a {colour} {shape}", f"this {shape} is {colour}"),
            label=f"{colour} {shape}",
        )


def _image(colour: str, shape: str, radius: float, resolution: int) -> Image.Image:
    """`radius` is a share of the resolution."""
    image = Image.new("RGB", (resolution, resolution), "white")
    pen, middle = ImageDraw.Draw(image), resolution / 2
    if shape == "circle":
        pen.circle((middle, middle), radius * resolution, fill=colour)
    else:
        pen.regular_polygon((middle, middle, radius * resolution), 4 if shape == "square" else 3, fill=colour)
    return image
