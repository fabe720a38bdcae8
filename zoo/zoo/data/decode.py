"""Images of every mode and orientation as upright RGB, cropped to their box and brought to one resolution."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from zoo_registry.contracts import Record
from zoo_registry.errors import ZooError

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""The formats that are read, whatever a file is called. EPS, for one, starts a program (Ghostscript)."""

LONGEST = 20  # the longer side of an image over its shorter: what is cut from a strip is a blur of few pixels
BOX_SHARE = 0.75  # AttnGAN, datasets.py: half the crop's side, as a share of the box's longer side


class ImageError(ZooError):
    """An image that cannot be used: `file` says which, `what` says why."""

    def __init__(self, file: str, what: str) -> None:
        self.file = file
        self.what = what
        super().__init__(f"{file}: {what}")


def opened(file: Path | bytes) -> Image.Image:
    """An image, by its file or its encoded bytes, not yet decoded. The only place where images are opened.

    Raises UnidentifiedImageError for formats other than `FORMATS`, and what Pillow raises at damaged headers.
    """
    return Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=FORMATS)


def record_image(record: Record) -> Image.Image:
    """A record's image: opened and not yet decoded, or generated."""
    image = record.image if isinstance(record.image, Path) else record.image()
    return image if isinstance(image, Image.Image) else opened(image)


def open_image(record: Record) -> Image.Image:
    """A record's whole image: 8-bit RGB, upright, transparency over white. Raises ImageError."""
    image = record.image
    name = str(image) if isinstance(image, Path) else record.name
    try:
        if isinstance(image, Path) and image.stat().st_size == 0:
            raise ImageError(name, "the file is empty")
        with record_image(record) as pil_image:
            return _decoded(pil_image, name)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(name, f"too many pixels ({error})") from error
    except UnidentifiedImageError as error:
        raise ImageError(name, f"not an image in a format that is read: {', '.join(FORMATS)}") from error
    except Exception as error:  # a damaged file makes PIL raise whatever its decoder stumbles on
        raise ImageError(name, f"cannot be decoded ({error})") from error


def _decoded(pil_image: Image.Image, name: str) -> Image.Image:
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and pil_image.width * pil_image.height > limit:
        raise ImageError(name, f"{_size(pil_image)} pixels; expected at most {limit} in all")
    if pil_image.mode == "F":
        raise ImageError(
            name, "its pixels are floating-point numbers of any range; save it with 8 or 16 bits"
        )
    pil_image.load()
    with suppress(Exception):  # damaged EXIF, of which PIL raises anything; the image itself is whole
        ImageOps.exif_transpose(pil_image, in_place=True)
    return as_rgb(pil_image)


def as_rgb(pil_image: Image.Image) -> Image.Image:
    """A decoded image as 8-bit RGB; transparency over white, 16-bit grey scaled."""
    if pil_image.mode.startswith("I"):  # 16 bits a pixel, or those in 32
        grey = np.clip(np.asarray(pil_image).astype(np.int64), 0, 65535)
        pil_image = Image.fromarray(((grey * 255 + 32767) // 65535).astype(np.uint8))
    if pil_image.has_transparency_data:
        layer = pil_image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return pil_image.convert("RGB")


def fit(
    pil_image: Image.Image, box: tuple[float, float, float, float] | None, resolution: int
) -> Image.Image:
    """The square around the box, as far as the image goes, with its shorter side brought to `resolution`.

    The square reaches 0.75 of the box's longer side from the box's centre (AttnGAN). Bilinear, antialiased.
    Raises ZooError where the box lies outside or what is left is a strip.
    """
    if box is not None:
        x, y, width, height = box
        reach = int(BOX_SHARE * max(width, height))
        middle, centre = int(x + width / 2), int(y + height / 2)
        edges = (
            max(0, middle - reach),
            max(0, centre - reach),
            min(pil_image.width, middle + reach),
            min(pil_image.height, centre + reach),
        )
        if edges[0] >= edges[2] or edges[1] >= edges[3]:
            raise ZooError(f"the bounding box {box} lies outside its {_size(pil_image)} pixels")
        pil_image = pil_image.crop(edges)
    shorter = min(pil_image.size)
    if max(pil_image.size) > LONGEST * shorter:
        raise ZooError(
            f"{_size(pil_image)} pixels; expected a longer side of at most {LONGEST} times the shorter"
        )
    size = (round(pil_image.width * resolution / shorter), round(pil_image.height * resolution / shorter))
    return pil_image if size == pil_image.size else pil_image.resize(size, Image.Resampling.BILINEAR)


def decode(record: Record, resolution: int) -> Image.Image:
    """A record's image, ready to be cut from: cropped to its box, its shorter side at `resolution`."""
    pil_image = open_image(record)
    try:
        return fit(pil_image, record.box, resolution)
    except ZooError as error:
        raise ImageError(
            str(record.image) if isinstance(record.image, Path) else record.name, str(error)
        ) from None


def _size(pil_image: Image.Image) -> str:
    return f"{pil_image.width}×{pil_image.height}"
