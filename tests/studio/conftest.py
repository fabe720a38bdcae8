"""The studio as a user starts it, with small models."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import small_models
from studio_process import served


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model that attends to words, one with a style encoder, and one without text."""
    folder = tmp_path_factory.mktemp("models")
    small_models.attending().save_pretrained(folder / "birds")
    small_models.styled().save_pretrained(folder / "flowers")
    small_models.wordless().save_pretrained(folder / "shapes")
    return folder


@pytest.fixture(scope="session")
def address(models: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "zoo.cli", "studio", "birds", "flowers", "shapes"]
    with served(*command, cwd=models) as url:
        yield url
