"""Images as data: URIs, small enough together that a page stays light."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo_registry import ZooError

from ..data.decode import opened
from ..imaging.grids import GAP, image_grid

_FRAMES = 24
"""Most sample grids in a page."""
_BUDGET = 3_000_000  # bytes of all sample grids but the newest, as they stand in the page
_BUDGET_ONE = 1_200_000  # bytes of the newest grid, of the attention figure, and of an image of the results
_LADDER = ((1, 90), (1, 75), (2, 90), (2, 75), (4, 85), (8, 85), (16, 80))
"""(what the size is divided by, JPEG quality): tried in turn until a budget is kept."""


def embedded(images: Sequence[Image.Image], budget: int) -> list[str]:
    """The images as JPEG data: URIs, all of one quality, the best that keeps the budget in bytes."""
    for factor, quality in _LADDER:
        uris = [_uri(image.reduce(factor), quality) for image in images]
        if sum(map(len, uris)) <= budget:
            break
    return uris


def _uri(image: Image.Image, quality: int) -> str:
    file = io.BytesIO()
    # Chroma at full size: at half of it, the colours of images this small would run into each other.
    image.convert("RGB").save(file, "JPEG", quality=quality, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def attention(path: Path) -> str | None:
    """The attention figure, None where there is none."""
    if not path.is_file():
        return None
    with opened(path) as image:
        return embedded([image.convert("RGB")], _BUDGET_ONE)[0]


def embedded_file(path: Path) -> tuple[str, int]:
    """An image and its width in pixels. Raises `ZooError` where it cannot be read."""
    try:
        with opened(path) as image:
            return embedded([image.convert("RGB")], _BUDGET_ONE)[0], image.width
    except (OSError, Image.DecompressionBombError) as error:
        raise ZooError(f"{path} cannot be read as an image: {error}") from None


def sample_frames(
    files: Mapping[int, Path], *, rows: int, columns: int, resolution: int, sharing: int = 1
) -> list[dict[str, Any]]:
    """`{"step": S, "src": URI}` per sample grid, in order: all, or an even choice with first and last.

    The images lie side by side without their gap: resolutions are multiples of eight, so no block of a JPEG
    spans two. The newest grid has a budget of its own; the others share one. Both budgets are divided by
    `sharing`, how many runs stand on the page.
    """
    steps = sorted(files)
    if not steps:
        return []
    chosen = np.linspace(0, len(steps) - 1, min(len(steps), _FRAMES)).round().astype(int)
    steps = [steps[index] for index in chosen]
    grids = [_packed(files[step], rows, columns, resolution) for step in steps]
    uris = [*embedded(grids[:-1], _BUDGET // sharing), *embedded(grids[-1:], _BUDGET_ONE // sharing)]
    return [{"step": step, "src": uri} for step, uri in zip(steps, uris, strict=True)]


def _packed(path: Path, rows: int, columns: int, resolution: int) -> Image.Image:
    """A grid as `image_grid` made it, without the gap between its images."""
    pitch = resolution + GAP
    with opened(path) as grid:
        cells = [
            grid.convert("RGB").crop((x * pitch, y * pitch, x * pitch + resolution, y * pitch + resolution))
            for y in range(rows)
            for x in range(columns)
        ]
    return image_grid(cells, columns, gap=0)
