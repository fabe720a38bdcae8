"""Small pipelines with fresh weights: what is drawn is noise, but it depends on caption and noise."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import torch
from PIL import Image
from tiny import TINY_CHANGES

import zoo
from zoo import Pipeline
from zoo_registry import Recipe, catalogue

CAPTIONS = (
    "a small red bird with black wings",
    "a big blue bird with a long yellow beak",
    "green white",
)
STYLE = (
    "text_encoder.width=16",
    "text_encoder.channels=[8, 8, 8]",
    "conditioning.width=8",
    "generator.side=16",
    "generator.base_channels=8",
    "generator.noise_width=4",
    "style_encoder.base_channels=8",
)

Run = Callable[..., tuple[int, str, str]]


def mp4_frames(path: Path) -> list[np.ndarray]:
    """The frames of an .mp4, each [h,w,3]."""
    with tempfile.TemporaryDirectory() as folder:
        ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
        command = [ffmpeg, "-loglevel", "error", "-i", path, "-fps_mode", "passthrough", f"{folder}/%04d.png"]
        subprocess.run(command, check=True)
        frames = []
        for file in sorted(Path(folder).iterdir()):
            with Image.open(file) as frame:
                frames.append(np.asarray(frame.convert("RGB"), int))
    return frames


def picture(path: str | Path) -> Image.Image:
    with Image.open(path) as opened:
        return opened.copy()


def built(name: str, changes: tuple[str, ...]) -> Pipeline:
    recipe = Recipe.read(name, catalogue(), changes)
    parts = zoo.build(recipe, CAPTIONS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for place in ("text_encoder", "conditioning", "generator"):
            for parameter in parts.modules[place].parameters():
                if parameter.dim() > 1:  # fresh weights hardly let the text through
                    torch.nn.init.normal_(parameter, std=0.2)
    return Pipeline(recipe, parts)


@pytest.fixture(scope="session")
def attending() -> Pipeline:
    """Attends to words, draws its code from a Gaussian, 16 and 32 px."""
    return built("attngan-aviary", tuple(c for c in TINY_CHANGES if not c.startswith("pretrain")))


@pytest.fixture(scope="session")
def styled() -> Pipeline:
    """Has a style encoder; 16 px."""
    return built("style-garden", STYLE)


@pytest.fixture(scope="session")
def wordless() -> Pipeline:
    """Reads no text."""
    recipe = Recipe.read(
        "progan-aviary",
        catalogue(),
        ["generator.depth=3", "generator.width=16", "generator.latent_width=32", "discriminator.width=16"],
    )
    return Pipeline(recipe, zoo.build(recipe))


@pytest.fixture(scope="session")
def models(
    attending: Pipeline, styled: Pipeline, wordless: Pipeline, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The three, saved."""
    folder = tmp_path_factory.mktemp("models")
    for name, pipe in (("attending", attending), ("styled", styled), ("wordless", wordless)):
        pipe.save_pretrained(folder / name)
    return folder


@pytest.fixture
def run(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run the command line in an empty folder; MODELS in an argument is the folder of the saved models."""
    from zoo.cli import main

    monkeypatch.chdir(tmp_path)

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        given = [str(argument).replace("MODELS", str(models)) for argument in arguments]
        monkeypatch.setattr(sys, "argv", ["zoo", *given])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return command
