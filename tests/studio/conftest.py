"""The studio as a user starts it, with small models."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import small_models
from PIL import Image
from studio_process import served

import zoo
from zoo.imaging.grids import image_grid

PROPOSED = ["a red flower", "<b>a blue</b> flower"]
"""What `flowers` says that captions of its data are like."""
GRID = {
    "1": (9, 9, 9),
    "2": (9, 9, 9),
    "3": (9, 9, 9),
    PROPOSED[0]: (200, 30, 40),
    PROPOSED[1]: (20, 40, 210),
}
"""The colours of the rows of its sample grid, of which the first three have no caption to be asked for."""
REFUSED = ["", "two\nlines", 301 * "x"]
"""What it says besides, and nobody could ask for."""


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model that attends to words, one with a style encoder, and one without text."""
    folder = tmp_path_factory.mktemp("models")
    small_models.attending().save_pretrained(folder / "birds")
    small_models.styled().save_pretrained(folder / "flowers")
    config = json.loads((folder / "flowers" / "config.json").read_text(encoding="utf-8"))
    config["about"] = {"data": "garden", "captions": [*REFUSED, *PROPOSED]}
    (folder / "flowers" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shutil.copytree(folder / "flowers", folder / "finches")
    resolution = zoo.load(folder / "flowers", device="cpu").resolution
    cells = [Image.new("RGB", (resolution, resolution), colour) for colour in GRID.values() for _ in range(4)]
    image_grid(cells, 4).save(folder / "flowers" / "samples.png")
    small_models.wordless().save_pretrained(folder / "shapes")
    return folder


@pytest.fixture(scope="session")
def address(models: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "zoo.cli", "studio", "birds", "flowers", "finches", "shapes"]
    with served(*command, cwd=models) as url:
        yield url
