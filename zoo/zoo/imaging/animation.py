"""Images that move: animations of generated images, and a run's sample grids through training."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from zoo_registry import ZooError

from ..data.decode import opened
from ..files import file_written_beside
from ..files.run import Run

ENDINGS = (".gif", ".mp4")
"""How the name of an animation may end."""

_LONGEST = 1200  # pixels: a time lapse is upscaled as long as its longer side stays within
_RATE = 12.5  # images per second of an animation
_SECONDS = 15.0  # a time lapse lasts about as long, within its slowest and fastest rate
_SLOWEST, _FASTEST = 2.0, 25.0  # grids a second


def write_animation(path: Path, images: Sequence[Image.Image]) -> None:
    """Write images of one size as a .gif, which begins again for ever, or an .mp4.

    An .mp4 of an odd width or height gets a white edge of one pixel, since its colours are stored in pairs.
    """
    if path.suffix.lower() == ".mp4":
        _write_mp4(path, images, _RATE)
        return
    with file_written_beside(path) as beside:
        images[0].save(beside, save_all=True, append_images=images[1:], duration=round(1000 / _RATE), loop=0)


def there_and_back(images: Sequence[Image.Image]) -> list[Image.Image]:
    """The images to the last and back to the second, so that an animation begins again without a jump."""
    return [*images, *images[-2:0:-1]]


def write_timelapse(run: Run) -> Path | None:
    """Write the film of a run from the sample grids that a run has generated so far; returns its path.

    One frame per grid, at the largest whole multiple of its pixels up to 1200, with its step and resolution
    written below. Of fewer than two grids nothing is written, and None returned; so too, with a
    warning, where there is no ffmpeg: a run has no need of it.
    """
    grids = run.samples()
    if len(grids) < 2:
        return None
    rate = min(max(len(grids) / _SECONDS, _SLOWEST), _FASTEST)
    try:
        _write_mp4(run.film, (_frame(step, file) for step, file in grids.items()), rate)
    except ZooError as error:
        warnings.warn(str(error), stacklevel=2)
        return None
    return run.film


def _frame(step: int, file: Path) -> Image.Image:
    """A sample grid, upscaled, above the line that tells its step."""
    with opened(file) as image:
        grid, resolution = image.convert("RGB"), image.info.get("resolution")
    factor = max(1, _LONGEST // max(grid.size))
    grid = grid.resize((grid.width * factor, grid.height * factor), Image.Resampling.NEAREST)
    line = f"step {step:,}" + (f" · {resolution} px" if resolution else "")
    size = max(16, grid.height // 40)
    frame = Image.new("RGB", (grid.width, grid.height + 2 * size), "white")
    frame.paste(grid, (0, 0))
    place = (size // 2, grid.height + size)
    ImageDraw.Draw(frame).text(place, line, "black", ImageFont.load_default(size), anchor="lm")
    return frame


def _write_mp4(path: Path, images: Iterable[Image.Image], rate: float) -> None:
    """H.264 in the pixel format that every browser plays. Raises `ZooError` where there is no ffmpeg."""
    try:
        imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise ZooError(f"{path} cannot be written: {error}") from None
    with file_written_beside(path) as beside:
        writer: Any = imageio.get_writer(
            beside,
            format="FFMPEG",
            fps=rate,
            codec="libx264",
            quality=None,
            output_params=["-crf", "16"],
            macro_block_size=2,
        )
        with writer:
            for image in images:
                width, height = (length + length % 2 for length in image.size)
                even = Image.new("RGB", (width, height), "white")
                even.paste(image, (0, 0))
                writer.append_data(np.asarray(even))
