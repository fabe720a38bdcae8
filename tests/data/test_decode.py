from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.data.decode import ImageError, as_rgb, decode, fit, open_image
from zoo_registry.contracts import Record

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
QUADRANTS = (RED, GREEN, BLUE, WHITE)  # from the upper left, line by line


def quadrants(colours=QUADRANTS, mode="RGB"):
    image = Image.new(mode, (32, 16))
    for number, colour in enumerate(colours):
        left, top = 16 * (number % 2), 8 * (number // 2)
        image.paste(colour, (left, top, left + 16, top + 8))
    return image


def record(path, box=None):
    return Record("x", path, ("a caption",), box=box)


def middles(image):
    """The colours in the middles of the four quarters."""
    width, height = image.size
    return tuple(
        image.getpixel((width * x // 4, height * y // 4)) for x, y in ((1, 1), (3, 1), (1, 3), (3, 3))
    )


def assert_near(found, expected, tolerance):
    assert np.abs(np.subtract(found, expected)).max() <= tolerance


def grey(*values):
    return tuple((value,) * 3 for value in values)


def with_exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize(("ending", "tolerance"), [("png", 0), ("jpg", 8), ("bmp", 0), ("webp", 40)])
def test_formats(tmp_path, ending, tolerance):
    path = tmp_path / f"x.{ending}"
    quadrants().save(path)
    image = open_image(record(path))
    assert image.mode == "RGB"
    assert_near(middles(image), QUADRANTS, tolerance)


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, (RED, GREEN, BLUE, WHITE)),
        (2, (GREEN, RED, WHITE, BLUE)),
        (3, (WHITE, BLUE, GREEN, RED)),
        (4, (BLUE, WHITE, RED, GREEN)),
        (5, (RED, BLUE, GREEN, WHITE)),
        (6, (BLUE, RED, WHITE, GREEN)),
        (7, (WHITE, GREEN, BLUE, RED)),
        (8, (GREEN, WHITE, RED, BLUE)),
        (99, (RED, GREEN, BLUE, WHITE)),
    ],
)
def test_exif_orientation(tmp_path, orientation, expected):
    path = tmp_path / "x.jpg"
    quadrants().save(path, exif=with_exif(orientation), quality=95)
    image = open_image(record(path))
    assert image.size == ((16, 32) if orientation in (5, 6, 7, 8) else (32, 16))
    assert_near(middles(image), expected, 3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_cost_the_image(tmp_path):
    path = tmp_path / "x.jpg"
    quadrants().save(path, exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff\x01")
    assert_near(middles(open_image(record(path))), QUADRANTS, 8)


def test_cmyk_jpeg(tmp_path):
    path = tmp_path / "x.jpg"
    inks = ((0, 255, 255, 0), (255, 0, 255, 0), (255, 255, 0, 0), (0, 0, 0, 0))
    quadrants(inks, "CMYK").save(path, quality=95)
    with Image.open(path) as stored:
        assert stored.mode == "CMYK"
    assert_near(middles(open_image(record(path))), QUADRANTS, 4)


def test_palette(tmp_path):
    path = tmp_path / "x.png"
    quadrants().convert("P", palette=Image.Palette.ADAPTIVE, colors=4).save(path)
    with Image.open(path) as stored:
        assert stored.mode == "P"
    assert middles(open_image(record(path))) == QUADRANTS


def test_transparent_palette_is_over_white(tmp_path):
    path = tmp_path / "x.gif"
    palette = quadrants().convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
    palette.save(path, transparency=palette.getpixel((1, 1)))
    assert middles(open_image(record(path))) == (WHITE, GREEN, BLUE, WHITE)


def test_transparency_is_over_white(tmp_path):
    path = tmp_path / "x.png"
    quadrants(((255, 0, 0, 255), (0, 255, 0, 0), (0, 0, 255, 51), (0, 0, 0, 0)), "RGBA").save(path)
    assert_near(middles(open_image(record(path))), (RED, WHITE, (204, 204, 255), WHITE), 1)
    quadrants(((0, 255), (0, 0), (0, 51), (100, 255)), "LA").save(path)
    assert_near(middles(open_image(record(path))), grey(0, 255, 204, 100), 1)


def test_transparent_grey_is_over_white(tmp_path):
    path = tmp_path / "x.png"
    quadrants((10, 100, 200, 0), "L").save(path, transparency=10)
    assert middles(open_image(record(path))) == grey(255, 100, 200, 0)


def test_grey_and_black_and_white(tmp_path):
    path = tmp_path / "x.png"
    quadrants((10, 100, 200, 0), "L").save(path)
    assert middles(open_image(record(path))) == grey(10, 100, 200, 0)
    quadrants((0, 255, 255, 0), "1").save(path)
    assert middles(open_image(record(path))) == grey(0, 255, 255, 0)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bit_grey_is_scaled(tmp_path, ending):
    path = tmp_path / f"x.{ending}"
    values = np.kron(np.array([[0, 257 * 100], [257 * 200 + 20, 65535]]), np.ones((8, 16))).astype(np.uint16)
    Image.fromarray(values).save(path)
    assert middles(open_image(record(path))) == grey(0, 100, 200, 255)
    assert middles(as_rgb(Image.fromarray(values.astype(np.int32)))) == grey(0, 100, 200, 255)


def test_generated_images_are_made_rgb_too():
    assert middles(open_image(record(lambda: quadrants((10, 100, 200, 0), "L")))) == grey(10, 100, 200, 0)


@pytest.fixture
def noise(tmp_path):
    path = tmp_path / "x.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_truncated_file(noise):
    noise.write_bytes(noise.read_bytes()[:-200])
    with pytest.raises(ImageError, match=r"x.jpg: cannot be decoded \(.*truncated") as error:
        open_image(record(noise))
    assert Path(error.value.file) == noise


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b"<html>404</html>", "not an image"),
        (b"\x89PNG\r\n\x1a\n123", "x.jpg: "),
    ],
)
def test_not_an_image(noise, content, told):
    noise.write_bytes(content)
    with pytest.raises(ImageError, match=told):
        open_image(record(noise))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("limit", [64 * 64 - 1, 64 * 64 // 3])
def test_decompression_bomb(noise, monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ImageError, match="pixels"):
        open_image(record(noise))


@pytest.mark.parametrize(
    ("size", "expected"),
    [((200, 100), (76, 38)), ((100, 100), (38, 38)), ((10, 30), (38, 114)), ((38, 38), (38, 38))],
)
def test_shorter_side_and_aspect(size, expected):
    assert fit(Image.new("RGB", size), None, 38).size == expected


def test_crop_to_the_box_of_attngan():
    image = Image.new("RGB", (200, 100), "blue")
    image.paste("red", (80, 20, 120, 80))  # what 0.75 × 40 around (100, 50) takes in
    image.paste("red", (70, 20, 130, 80))
    cropped = fit(image, (80, 40, 40, 20), 60)
    assert cropped.size == (60, 60)
    assert cropped.getcolors() == [(3600, RED)]
    at_the_edge = fit(image, (160, 0, 40, 40), 50)  # 150 to 200, 0 to 50
    assert at_the_edge.size == (50, 50)
    assert at_the_edge.getcolors() == [(2500, BLUE)]


def test_box_outside_of_its_image(noise):
    with pytest.raises(ImageError, match=r"x.jpg: the bounding box .* lies outside its 64×64 pixels"):
        decode(record(noise, box=(100.0, 100.0, 10.0, 10.0)), 16)


def test_resizing_does_not_alias():
    stripes = Image.fromarray(np.tile(np.array([0, 255], np.uint8), (64, 32)))
    small = np.asarray(fit(stripes.convert("RGB"), None, 16))
    assert_near(small[:, 1:-1], 127.5, 3)


def test_floating_point_pixels_are_refused(tmp_path):
    path = tmp_path / "x.tif"
    Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)).save(path)
    with pytest.raises(ImageError, match="of any range; save it with 8 or 16 bits"):
        open_image(record(path))


def test_strips_are_refused_before_they_are_resized(tmp_path):
    path = tmp_path / "x.png"
    Image.new("RGB", (1, 60_000)).save(path)
    with pytest.raises(ImageError, match="1×60000 pixels; expected a longer side of at most 20 times"):
        decode(record(path), 10**9)
    assert decode(record(path, box=(0, 9, 1, 2)), 4).size == (4, 8)
