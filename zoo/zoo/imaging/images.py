"""What a pipeline generates, as tensors and as Pillow images; a notebook shows either as a grid.

Shape letters: see zoo_registry.contracts. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from ..data.decode import as_rgb
from .grids import image_grid, upscaled

if TYPE_CHECKING:
    from torch import Tensor


class Images(list[Image.Image]):
    """Images of one size. In a notebook they are shown as a grid of `columns`: with as many as are generated
    of a caption, a row is a caption.
    """

    def __init__(self, images: Iterable[Image.Image] = (), columns: int = 8) -> None:
        super().__init__(images)
        self.columns = columns

    @property
    def images(self) -> list[Image.Image]:
        """The list itself, for code that expects the images in a field."""
        return self

    def _repr_png_(self) -> bytes | None:
        """The grid as PNG, small images enlarged by whole pixels; None where there are none."""
        if not self:
            return None
        file = BytesIO()
        image_grid([upscaled(image) for image in self], min(self.columns, len(self))).save(file, "PNG")
        return file.getvalue()


@dataclass(frozen=True)
class Samples:
    """Result of `Pipeline.generate` and `.restyle`: `images[c * n + i]` is image i of caption c, n each."""

    images: tuple[Tensor, ...]  # each [B,3,R,R] in [-1,1], small to large
    attention: tuple[Tensor, ...]  # each [B,L,h,w], one per stage that attends to words
    words: tuple[tuple[str, ...], ...]  # a caption's pieces, the labels of its maps' first rows

    def _repr_png_(self) -> bytes | None:
        """The largest images as a grid in a notebook, one row per caption."""
        return to_pillow(self.images[-1], len(self.images[-1]) // len(self.words))._repr_png_()


def to_pillow(images: Tensor, columns: int = 8) -> Images:
    """Images [B,3,R,R] in [-1,1] as PIL images of 8 bits per channel. columns: of the grid in a notebook."""
    pixels = images.float().add(1).mul(127.5).round().clamp(0, 255).byte()
    rows = pixels.permute(0, 2, 3, 1).cpu().numpy()  # [B,R,R,3]
    return Images(map(Image.fromarray, rows), columns)


def square(image: Image.Image, resolution: int) -> Image.Image:
    """The central square of an image at a resolution, as 8-bit RGB."""
    return ImageOps.fit(as_rgb(image), (resolution, resolution), Image.Resampling.BILINEAR)
