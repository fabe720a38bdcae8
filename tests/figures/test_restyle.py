"""An image's style: the noise that the style encoder reads in it generates another caption."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from zoo import Pipeline
from zoo.assemble import Parts
from zoo.imaging.images import square, to_pillow
from zoo_registry.contracts import ImageFeatures

from .conftest import Run, opened

CAPTIONS = ["a red flower", "a blue flower with a yellow centre"]


class Knows(nn.Module):
    """A style encoder that has learnt some images by heart, and keeps what it was shown."""

    def __init__(self, images: Tensor, noise: Tensor) -> None:
        super().__init__()
        self.images, self.noise = images, noise
        self.seen = images[:0]

    def forward(self, images: Tensor) -> ImageFeatures:
        self.seen = images
        distances = torch.cdist(images.flatten(1), self.images.flatten(1))
        return ImageFeatures(self.noise[distances.argmin(dim=1)])


@pytest.fixture
def knowing(styled: Pipeline) -> Pipeline:
    images = styled.generate(CAPTIONS[0], seed=5, images=3).images[-1]
    noise, _ = styled.noise(5, 3)
    modules = {**styled.parts.modules, "style_encoder": Knows(images, noise)}
    return Pipeline(styled.recipe, Parts(modules))


def test_what_the_pipeline_drew_gives_its_noise_to_any_caption(knowing: Pipeline) -> None:
    wanted = knowing.generate(CAPTIONS, seed=5, images=3).images[-1]
    styles = to_pillow(wanted[:3])
    generated = knowing.restyle(styles, CAPTIONS).images[-1]
    assert (generated - wanted).abs().max() < 1e-5, "images[c * n + i] is caption c in style i"
    seen = knowing.parts.style_encoder.seen
    assert (seen - wanted[:3]).abs().max() <= 1.01 / 255, "an image comes back in [-1, 1]"
    second = knowing.restyle(styles[1], CAPTIONS[1]).images[-1]
    assert (second - wanted[4:5]).abs().max() < 1e-5
    assert (wanted[3] - wanted[4]).abs().max() > 1e-3, "the styles differ"


def test_an_image_of_any_size_and_mode_is_cut_to_its_middle(knowing: Pipeline) -> None:
    wide = Image.new("RGBA", (90, 30), (255, 0, 0, 255))
    wide.paste((0, 0, 255, 255), (30, 0, 60, 30))
    knowing.restyle(wide, CAPTIONS)
    seen = knowing.parts.style_encoder.seen
    assert seen.shape == (1, 3, 16, 16)
    inner = seen[..., 1:-1]  # resampling mixes the edge with what was beside it
    assert torch.equal(inner, torch.tensor([-1.0, -1, 1]).view(1, 3, 1, 1).expand_as(inner))


def test_a_saved_pipeline_keeps_its_style_encoder(styled: Pipeline, models: Path, tmp_path: Path) -> None:
    (image,) = styled(CAPTIONS[0])
    again = Pipeline.from_pretrained(models / "styled", device="cpu")
    again.save_pretrained(tmp_path / "model")
    for pipe in (again, Pipeline.from_pretrained(tmp_path / "model", device="cpu")):
        assert torch.equal(
            pipe.restyle(image, CAPTIONS).images[-1], styled.restyle(image, CAPTIONS).images[-1]
        )


def test_one_caption_in_one_style_is_an_image(run: Run, styled: Pipeline, tmp_path: Path) -> None:
    (image,) = styled(CAPTIONS[0], seed=2)
    image.save(tmp_path / "style.png")
    given = ("style.png", CAPTIONS[1], "--out", "new.png")
    assert run("restyle", "MODELS/styled", *given) == (0, "new.png\n", "")
    (wanted,) = to_pillow(styled.restyle(image, CAPTIONS[1]).images[-1])
    assert np.abs(np.asarray(opened("new.png"), int) - np.asarray(wanted, int)).max() <= 1


def test_a_grid_of_styles_and_captions(run: Run, styled: Pipeline, tmp_path: Path) -> None:
    styles = [*styled(CAPTIONS[0], images=2), Image.new("L", (40, 20), 200)]
    for place, image in enumerate(styles):
        image.save(tmp_path / f"{place}.png")
    given = ("0.png", *CAPTIONS, "--image", "1.png", "--image", "2.png", "--out", "grid.png")
    assert run("restyle", "MODELS/styled", *given) == (0, "grid.png\n", "")
    grid = opened("grid.png")
    assert grid.size == (3 * 18 - 2, 3 * 18 - 2)
    generated = to_pillow(styled.restyle(styles, CAPTIONS).images[-1])
    rows = [[square(style, 16), generated[i], generated[3 + i]] for i, style in enumerate(styles)]
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            found = grid.crop((column * 18, row * 18, column * 18 + 16, row * 18 + 16))
            assert np.abs(np.asarray(found, int) - np.asarray(cell, int)).max() <= 1, (row, column)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("MODELS/attending", "style.png", "a red bird"), "attngan-aviary has no style encoder"),
        (("MODELS/attending", "style.png", "a red bird"), "Train one by a recipe with a style_encoder"),
        (("MODELS/styled", "missing.png", "a red flower"), "missing.png: no such image"),
        (("MODELS/styled", "style.png", "a", "--image", "gone.png"), "gone.png: no such image"),
        (("MODELS/styled", "words.png", "a red flower"), "words.png: not an image"),
        (("MODELS/styled", "style.png", "a red flower", "--out", "new.mp4"), "use .png or .jpg"),
        (("MODELS/styled", "style.png", "a red flower", "--out", "folder.png"), "is a folder"),
        (("MODELS/styled", "style.png", "a red flower", "--out", "/proc/new.png"), "cannot be written"),
    ],
)
def test_mistakes_are_reported_and_write_nothing(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "style.png")
    (tmp_path / "words.png").write_text("a red flower")
    (tmp_path / "folder.png").mkdir()
    before = sorted(tmp_path.rglob("*"))
    code, _, told = run("restyle", *arguments)
    assert code == 2
    assert message in told
    assert sorted(tmp_path.rglob("*")) == before
