"""A model at half its size."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import small_models
import torch
from safetensors.torch import load_file

import zoo
from zoo.export.half import write_half
from zoo.files.results import Result, Source
from zoo.models.card import card
from zoo.models.results import add_result, weights_key
from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import Score

CAPTION = "a small red bird with black wings"


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_models.styled().save_pretrained(tmp_path_factory.mktemp("models") / "flowers")


def test_half_the_bytes_and_nearly_the_same_images(flowers: Path, tmp_path: Path) -> None:
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


def test_its_card_tells_what_was_measured_of_its_own_weights_alone(flowers: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(flowers, whole)
    measured(whole)
    told, half = card(whole), write_half(str(whole), tmp_path / "half")
    assert "0.7319" not in (half / "README.md").read_text()
    assert "0.7319" in told
    assert "stored in 16 bits" in (half / "README.md").read_text()
    assert "stored in 16 bits" not in told
    measured(half)
    assert "0.7319" in card(half)


def measured(model: Path) -> None:
    """Put a result of its weights into a model's folder."""
    result = Result(
        protocol="attributes-2k",
        metric="attributes",
        identity="attributes-2k",
        better="higher",
        definition={"split": "test"},
        data=Source(source="garden", fingerprint="f"),
        scores={"petals": Score(0.7319, count=10)},
    )
    add_result(model / "results.json", str(model), weights_key(model), result)


def test_encoders_alone_are_refused(tmp_path: Path) -> None:
    """What sampling needs of them would be half a model."""
    encoders = tmp_path / "encoders"
    recipe = Recipe.read("damsm-aviary", catalogue())
    encoders.mkdir()
    config = {"format": 1, "recipe": recipe.locked(), "made_with": {}}
    (encoders / "config.json").write_text(json.dumps(config))
    with pytest.raises(ZooError, match="encoders has no generator and cannot generate"):
        write_half(str(encoders), tmp_path / "half")
    assert not (tmp_path / "half").exists()


@pytest.mark.parametrize("out", ["/proc/x", "/proc/x/y"])
def test_a_place_that_cannot_be_written_is_named(flowers: Path, out: str) -> None:
    with pytest.raises(ZooError, match=f"^{out} cannot be written"):
        write_half(str(flowers), Path(out))


def test_counters_stay_whole_numbers(flowers: Path, tmp_path: Path) -> None:
    tensors = load_file(write_half(str(flowers), tmp_path / "half") / "generator.safetensors")
    kinds = {tensor.dtype for tensor in tensors.values()}
    assert kinds == {torch.float16, torch.int64}
