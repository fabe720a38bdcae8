"""The images of a pipeline, as a list that a notebook shows as a grid."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

from PIL import Image

from .report.figures import image_grid, upscaled


class Images(list[Image.Image]):
    """Images of one size. In a notebook they are shown as a grid of `columns`: with as many as are generated
    of a caption, a row is a caption.
    """

    def __init__(self, images: Iterable[Image.Image] = (), columns: int = 8) -> None:
        super().__init__(images)
        self.columns = columns

    def _repr_png_(self) -> bytes | None:
        """The grid as PNG, small images enlarged by whole pixels; None where there are none."""
        if not self:
            return None
        file = BytesIO()
        image_grid([upscaled(image) for image in self], min(self.columns, len(self))).save(file, "PNG")
        return file.getvalue()
