"""What a pipeline draws, as a list that shows itself where it is the last value of a notebook's cell."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

from PIL import Image

from .report.figures import image_grid, upscaled


class Images(list[Image.Image]):
    """Pictures of one size. In a notebook they are shown as a grid of `columns`: with as many as are drawn
    of a caption, a row is a caption.
    """

    def __init__(self, pictures: Iterable[Image.Image] = (), columns: int = 8) -> None:
        super().__init__(pictures)
        self.columns = columns

    def _repr_png_(self) -> bytes | None:
        """The grid as PNG, small pictures enlarged by whole pixels; None where there are none."""
        if not self:
            return None
        file = BytesIO()
        image_grid([upscaled(picture) for picture in self], min(self.columns, len(self))).save(file, "PNG")
        return file.getvalue()
