"""A small pipeline, not trained, and what `zoo export` makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_pipeline import made

from zoo.export.to_onnx import write_onnx
from zoo.pipeline import Pipeline


@pytest.fixture(scope="session")
def birds(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Reads words and generates its condition."""
    pipe = made(text_encoder="bilstm", conditioning="augmentation", generator="attention-stages")
    folder = pipe.save_pretrained(tmp_path_factory.mktemp("models") / "birds")
    return Pipeline.from_pretrained(folder, device="cpu")


@pytest.fixture(scope="session")
def exported(birds: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_onnx(birds, tmp_path_factory.mktemp("exported") / "birds")
