"""The models that come with the zoo: small, measured, and they generate what their captions say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard
from PIL import Image
from safetensors import safe_open

import zoo
from zoo.files.model import Model
from zoo_registry import catalogue

MEGABYTE = 1_000_000
RESOLUTIONS = {"aviary": 64, "garden": 64, "portraits": 64}


LEAST = {
    "aviary": (
        0.65,
        {"body": 0.95, "background": 0.95, "belly": 0.95, "wing": 0.9, "crown": 0.85, "beak": 0.85},
    ),
    "garden": (0.68, {"petal": 0.95, "background": 0.95, "blooms": 0.95, "centre": 0.9, "leaves": 0.9}),
    "portraits": (0.34, {}),
}
"""Shares of attributes that a model shows, of all and by name, in small samples."""


def folder(name: str) -> Path:
    found = catalogue().pretrained(name)
    assert found is not None
    return found


def sizes() -> dict[str, int]:
    return {
        name: sum(file.stat().st_size for file in folder(name).rglob("*") if file.is_file())
        for name in catalogue().pretrained_names()
    }


def guessed(name: str) -> set[str]:
    """The scores of a model whose intervals hold what guessing gets."""
    results = json.loads((folder(name) / "results.json").read_text(encoding="utf-8"))["results"]
    scores = [score for result in results for score in result["scores"].items()]
    return {key for key, score in scores if score["chance"] and score["interval"][0] <= score["chance"]}


def redness(images: list[Image.Image]) -> float:
    """How much more red than blue there is."""
    pixels = np.stack([np.asarray(image, float) for image in images])
    return float((pixels[..., 0] - pixels[..., 2]).mean())


def test_they_are_small() -> None:
    assert set(sizes()) >= set(RESOLUTIONS)
    assert max(sizes().values()) <= 6 * MEGABYTE
    assert sum(sizes().values()) <= 20 * MEGABYTE


@pytest.mark.parametrize("name", RESOLUTIONS)
def test_cards_tell_how_they_were_trained_and_how_good_they_are(name: str) -> None:
    card = ModelCard.load(folder(name) / "README.md")
    assert card.data.license == "mit"
    assert card.data.datasets == name
    assert {"attributes-2k", "kid-judge-2k"} <= {
        result.metric_name.rpartition(", ")[2].partition("@")[0] for result in card.data.eval_results
    }
    assert re.search(rf"Trained on a [CG]PU: [\d,]+ steps \({name}-.+\) in [\d.]+ hours\.", card.text)
    assert f'zoo.load("{name}")' in card.text
    assert ("No better than chance" in card.text) == bool(guessed(name))
    limits = card.text.partition("## Limits")[2].replace("\\", "")
    assert all(attribute in limits for attribute in guessed(name))
    assert "stored in 16 bits" in card.text
    assert "![samples](samples.png)\n\nOne row per caption" in card.text
    with Image.open(folder(name) / "samples.png") as image:
        assert image.width > 4 * RESOLUTIONS[name]
    for file in ("README.md", "config.json", "results.json"):
        assert not re.search(r"/(tmp|home|root|work)/", (folder(name) / file).read_text(encoding="utf-8"))


def test_they_are_compared_by_what_comes_with_them(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zoo.cli", "eval", *RESOLUTIONS, "--table", "--format", "json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert all(json.loads(done.stdout)[name]["results"] for name in RESOLUTIONS)


def test_a_run_of_the_same_name_is_not_reported_their_results(tmp_path: Path) -> None:
    (tmp_path / "aviary/model").mkdir(parents=True)
    shutil.copyfile(folder("aviary") / "config.json", tmp_path / "aviary/model/config.json")
    command = [sys.executable, "-m", "zoo.cli", "eval", "aviary", "--table"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nothing has been measured" in done.stderr


def test_whoever_wants_their_matching_model_is_asked_to_name_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zoo.cli", "eval", "aviary", "--data", "aviary:60"]
    command += ["--metrics", "r-precision-3k", "--images", "50", "--allow-small", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "aviary has no matching encoders of its own" in done.stderr
    assert "to take those of another model: --set METRIC.matcher=FOLDER" in done.stderr


@pytest.mark.parametrize("name", RESOLUTIONS)
def test_weights_have_16_bits(name: str) -> None:
    with safe_open(folder(name) / "generator.safetensors", framework="numpy") as tensors:
        kinds = {tensors.get_slice(key).get_dtype() for key in tensors.keys()}  # noqa: SIM118
    assert kinds <= {"F16", "I64"}


@pytest.mark.parametrize(
    ("name", "caption"),
    [
        ("aviary", "a small {} bird with a yellow beak"),
        ("garden", "a {} flower with rounded petals"),
        ("portraits", "a person in a {} shirt"),
        ("portraits", "she has {} hair and wears earrings"),
    ],
)
def test_colours_follow_the_caption(name: str, caption: str) -> None:
    pipe = zoo.load(name, device="cpu")
    assert pipe.resolution == RESOLUTIONS[name]
    red, blue = (pipe(caption.format(colour), seed=1, images=8) for colour in ("red", "blue"))
    assert redness(red) > redness(blue) + 2, "of 255, over whole images"


def test_a_worse_model_is_not_shipped(tmp_path: Path) -> None:
    """What 200 captions of unseen classes state, by the judge that comes with the set."""
    for name, (least, colours) in LEAST.items():
        found = zoo.evaluate(
            name,
            f"{name}:2000",
            ["attributes-2k"],
            images=200,
            allow_small=True,
            device="cpu",
            out=tmp_path / f"{name}.json",
        )["results"][0]["scores"]
        assert found["mean"]["value"] > least, name
        for attribute, share in colours.items():
            assert found[attribute]["value"] > share, (name, attribute)


def test_the_garden_keeps_a_style() -> None:
    """The noise that is read from a generated image generates nearly the same again, and not any image."""
    pipe = zoo.load("garden", device="cpu")
    caption = "a red flower with rounded petals"
    generated = pipe(caption, seed=5, images=6)
    again = pipe.restyle(generated, caption).images[-1]
    given = np.stack([np.asarray(image, float) for image in generated]) / 127.5 - 1
    found = again.permute(0, 2, 3, 1).numpy()
    apart = np.square(found[None] - given[:, None]).mean((2, 3, 4))  # [generated, read]
    own = np.diagonal(apart).mean()
    others = apart[~np.eye(len(apart), dtype=bool)].mean()
    assert own < 0.8 * others


def test_one_is_generated_offline_by_its_name(tmp_path: Path) -> None:
    caption = "a small blue bird with a long orange beak"
    command = [sys.executable, "-m", "zoo.cli", "sample", "aviary", caption, "--out", "bird.png"]
    closed = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf"), "ZOO_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | closed, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "not in the vocabulary" not in done.stderr
    with Image.open(tmp_path / "bird.png") as image:
        assert image.size == (64, 64)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("aviary", {"generator": "progressive-attention", "text_encoder": "bilstm"}),
        (
            "garden",
            {"generator": "progressive-attention", "text_encoder": "bilstm", "style_encoder": "conv"},
        ),
        ("portraits", {"generator": "progressive", "text_encoder": "lstm"}),
    ],
)
def test_its_parts_are_of_the_family_that_it_is_shipped_for(name: str, parts: dict[str, str]) -> None:
    recipe = Model(folder(name)).recipe()
    assert parts.items() <= {kind: part.component.name for kind, part in recipe.parts.items()}.items()
