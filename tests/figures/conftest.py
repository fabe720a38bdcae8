"""Small pipelines with fresh weights: what is generated is noise, but it depends on caption and noise."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import small_models
from PIL import Image

from zoo import Pipeline

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


def opened(path: str | Path) -> Image.Image:
    with Image.open(path) as file:
        return file.copy()


@pytest.fixture(scope="session")
def attending() -> Pipeline:
    return small_models.attending()


@pytest.fixture(scope="session")
def styled() -> Pipeline:
    return small_models.styled()


@pytest.fixture(scope="session")
def wordless() -> Pipeline:
    return small_models.wordless()


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
