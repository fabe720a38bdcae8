"""Pictures of every mode and orientation as upright RGB, cropped to their box and brought to one side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from zoo_registry.contracts import Record
from zoo_registry.errors import ZooError

ORIENTATION = 0x0112  # the EXIF tag
UPRIGHT = {  # EXIF 2.32, section 4.6.4: how a stored picture becomes upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
BOX_SHARE = 0.75  # AttnGAN, datasets.py: the crop's half side, as a share of the box's longer side


class PictureError(ZooError):
    """A picture that cannot be used: `file` says which, `what` says why."""

    def __init__(self, file: str, what: str) -> None:
        self.file = file
        self.what = what
        super().__init__(f"{file}: {what}")


def open_picture(record: Record) -> Image.Image:
    """A record's whole picture: 8-bit RGB, upright, transparency over white. Raises PictureError."""
    image = record.image
    name = str(image) if isinstance(image, Path) else record.name
    try:
        if not isinstance(image, Path):
            return _decoded(image(), name)
        if image.stat().st_size == 0:
            raise PictureError(name, "the file is empty")
        with Image.open(image) as picture:
            return _decoded(picture, name)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(name, f"too many pixels ({error})") from error
    except UnidentifiedImageError as error:
        raise PictureError(name, "not a picture in a format that can be read") from error
    except Exception as error:  # a damaged file makes PIL raise whatever its decoder stumbles on
        raise PictureError(name, f"cannot be decoded ({error})") from error


def _decoded(picture: Image.Image, name: str) -> Image.Image:
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and picture.width * picture.height > limit:
        raise PictureError(name, f"{_size(picture)} pixels; at most {limit} in all are wanted")
    picture.load()
    return as_rgb(_upright(picture))


def as_rgb(picture: Image.Image) -> Image.Image:
    """A decoded picture as 8-bit RGB; transparency over white, 16-bit grey scaled."""
    if picture.mode.startswith("I"):  # 16 bits a pixel, or those in 32
        grey = np.clip(np.asarray(picture).astype(np.int64), 0, 65535)
        picture = Image.fromarray(((grey * 255 + 32767) // 65535).astype(np.uint8))
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return picture.convert("RGB")


def fit(picture: Image.Image, box: tuple[float, float, float, float] | None, side: int) -> Image.Image:
    """The square around the box, as far as the picture goes, with its shorter side brought to `side`.

    The square reaches 0.75 of the box's longer side from the box's centre (AttnGAN). Bilinear, antialiased.
    """
    if box is not None:
        x, y, width, height = box
        reach = int(BOX_SHARE * max(width, height))
        middle, centre = int(x + width / 2), int(y + height / 2)
        edges = (
            max(0, middle - reach),
            max(0, centre - reach),
            min(picture.width, middle + reach),
            min(picture.height, centre + reach),
        )
        if edges[0] >= edges[2] or edges[1] >= edges[3]:
            raise ZooError(f"the bounding box {box} lies outside its {_size(picture)} pixels")
        picture = picture.crop(edges)
    shorter = min(picture.size)
    size = (round(picture.width * side / shorter), round(picture.height * side / shorter))
    return picture if size == picture.size else picture.resize(size, Image.Resampling.BILINEAR)


def decode(record: Record, side: int) -> Image.Image:
    """A record's picture, ready to be cut from: cropped to its box, its shorter side at `side`."""
    picture = open_picture(record)
    try:
        return fit(picture, record.box, side)
    except ZooError as error:
        raise PictureError(
            str(record.image) if isinstance(record.image, Path) else record.name, str(error)
        ) from None


def _upright(picture: Image.Image) -> Image.Image:
    try:
        orientation = picture.getexif().get(ORIENTATION)
    except Exception:  # damaged EXIF, of which PIL raises anything; the picture itself is whole
        return picture
    return picture.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else picture


def _size(picture: Image.Image) -> str:
    return f"{picture.width}×{picture.height}"
