"""A model at half its size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import small_models
import torch
from safetensors.torch import load_file

import zoo
from zoo.export.half import write_half

CAPTION = "a small red bird with black wings"


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_models.styled().save_pretrained(tmp_path_factory.mktemp("models") / "flowers")


def test_half_the_bytes_and_nearly_the_same_pictures(flowers: Path, tmp_path: Path) -> None:
    half = write_half(str(flowers), tmp_path / "half")
    files = [file.relative_to(half) for file in half.rglob("*.safetensors")]
    kinds = ("text_encoder", "conditioning", "generator", "style_encoder")
    assert {file.stem for file in files} == set(kinds)
    small, large = (sum((folder / file).stat().st_size for file in files) for folder in (half, flowers))
    assert small < 0.55 * large
    pipe, whole = zoo.load(half, device="cpu"), zoo.load(flowers, device="cpu")
    assert next(pipe.parts.generator.parameters()).dtype == torch.float32
    pairs = zip(pipe(CAPTION, seed=2, images=3), whole(CAPTION, seed=2, images=3), strict=True)
    for near, exact in pairs:
        assert np.abs(np.asarray(near, int) - np.asarray(exact, int)).max() <= 4


def test_counters_stay_whole_numbers(flowers: Path, tmp_path: Path) -> None:
    tensors = load_file(write_half(str(flowers), tmp_path / "half") / "generator.safetensors")
    kinds = {tensor.dtype for tensor in tensors.values()}
    assert kinds == {torch.float16, torch.int64}
