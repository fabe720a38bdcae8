"""The studio as a user starts it, with small models."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import small_models
from studio_process import served

PROPOSED = ["a red flower", "<b>a blue</b> flower"]
"""What `flowers` says that captions of its data are like."""
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
    small_models.wordless().save_pretrained(folder / "shapes")
    return folder


@pytest.fixture(scope="session")
def address(models: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "zoo.cli", "studio", "birds", "flowers", "shapes"]
    with served(*command, cwd=models) as url:
        yield url
