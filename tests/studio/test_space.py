"""The folder that `zoo export --format space` writes, run as a Space runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import yaml
from gradio_client import Client
from PIL import Image
from studio_process import served

from zoo.export.space import write_space


def test_a_space_generates(models: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "zoo.cli",
        "export",
        "birds",
        "--format",
        "space",
        "--out",
        tmp_path / "space",
    ]
    subprocess.run(command, cwd=models, check=True)
    space = tmp_path / "space"
    settings = yaml.safe_load((space / "README.md").read_text().split("---")[1])
    assert settings["sdk"] == "gradio"
    assert settings["sdk_version"] == version("gradio")
    assert f"t2i-zoo[studio]=={version('t2i-zoo')}" in (space / "requirements.txt").read_text().splitlines()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with served(sys.executable, space / settings["app_file"], cwd=elsewhere) as address:
        client = Client(address, download_files=tmp_path / "downloads", verbose=False)
        images, *_ = client.predict("attngan-aviary", "a small red bird", 1, 0, api_name="/generate")
        client.close()
    with Image.open(images[0]["image"]) as image:
        assert image.size == (32, 32)


def test_a_folder_that_is_there_is_left_alone(models: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zoo.cli", "export", "birds", "--format", "space", "--out", tmp_path]
    result = subprocess.run(command, cwd=models, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert f"{tmp_path} exists" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_holds_anything(models: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile"
    shutil.copytree(models / "birds", hostile)
    config = json.loads((hostile / "config.json").read_text())
    config["recipe"]["name"] = '"])\nimport os  # ../../x: y'
    (hostile / "config.json").write_text(json.dumps(config))
    space = write_space(str(hostile), tmp_path / "space")
    assert sorted(path.name for path in space.iterdir()) == [
        "README.md",
        "app.py",
        "import-os-x-y",
        "requirements.txt",
    ]
    assert "import os  #" not in (space / "app.py").read_text()
    settings = yaml.safe_load((space / "README.md").read_text().split("---")[1])
    assert settings["title"] == config["recipe"]["name"]
    assert settings["app_file"] == "app.py"


def test_packages_that_a_model_names_are_not_required(models: Path, tmp_path: Path) -> None:
    """A Space installs what requirements.txt says; the model may be anybody's."""
    hostile = tmp_path / "hostile"
    shutil.copytree(models / "birds", hostile)
    config = json.loads((hostile / "config.json").read_text())
    config["made_with"]["plugins"] = {"t2i-zoo": "0", "evil @ https://example.org/evil.whl #": "1"}
    (hostile / "config.json").write_text(json.dumps(config))
    space = write_space(str(hostile), tmp_path / "space")
    assert (space / "requirements.txt").read_text() == f"t2i-zoo[studio]=={version('t2i-zoo')}\n"
