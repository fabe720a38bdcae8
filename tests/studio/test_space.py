"""The folder that `zoo export --format space` writes, run as a Space runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from gradio_client import Client
from PIL import Image
from studio_process import served

from zoo.export.space import write_space


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The zoo as one that was installed from an index, which leaves no direct_url.json."""
    info = tmp_path / "index" / "t2i_zoo-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: t2i-zoo\nVersion: 0.1.0\n")
    monkeypatch.syspath_prepend(info.parent)


def test_a_space_carries_a_zoo_that_is_on_no_index(models: Path, tmp_path: Path) -> None:
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
    environment = os.environ | {"PIP_NO_BUILD_ISOLATION": "0"}  # without a network; 0 means none
    subprocess.run(command, cwd=models, check=True, env=environment)
    space = tmp_path / "space"
    settings = yaml.safe_load((space / "README.md").read_text().split("---")[1])
    assert settings["sdk"] == "gradio"
    assert settings["sdk_version"] == version("gradio")
    assert (space / "packages/zoo/studio/__init__.py").is_file()
    required = (space / "requirements.txt").read_text().splitlines()
    assert any(line.startswith("gradio>=") for line in required), "the extra studio"
    assert any(line.startswith("torch>=") for line in required)
    assert not any("zoo" in line or "tensorboard" in line for line in required)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code = "import runpy; runpy.run_path('app.py'); import zoo; print(zoo.__file__)"
    where = subprocess.run(
        [sys.executable, "-c", code], cwd=space, capture_output=True, text=True, check=True
    )
    assert where.stdout.startswith(str(space / "packages"))
    with served(sys.executable, space / settings["app_file"], cwd=elsewhere) as address:
        client = Client(address, download_files=tmp_path / "downloads", verbose=False)
        images, *_ = client.predict("attngan-aviary", "a small red bird", 1, 0, api_name="/generate")
        client.close()
    with Image.open(images[0]["image"]) as image:
        assert image.size == (32, 32)


@pytest.mark.usefixtures("published")
def test_a_space_names_a_zoo_that_is_on_an_index(models: Path, tmp_path: Path) -> None:
    space = write_space(str(models / "birds"), tmp_path / "space")
    assert (space / "requirements.txt").read_text() == "t2i-zoo[studio]==0.1.0\n"
    assert not (space / "packages").exists()


def test_a_folder_that_is_there_is_left_alone(models: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zoo.cli", "export", "birds", "--format", "space", "--out", tmp_path]
    result = subprocess.run(command, cwd=models, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert f"{tmp_path} exists" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("published")
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


@pytest.mark.usefixtures("published")
def test_packages_that_a_model_names_are_not_required(models: Path, tmp_path: Path) -> None:
    """A Space installs what requirements.txt says; the model may be anybody's."""
    hostile = tmp_path / "hostile"
    shutil.copytree(models / "birds", hostile)
    config = json.loads((hostile / "config.json").read_text())
    config["made_with"]["plugins"] = {"t2i-zoo": "0", "evil @ https://example.org/evil.whl #": "1"}
    (hostile / "config.json").write_text(json.dumps(config))
    space = write_space(str(hostile), tmp_path / "space")
    assert (space / "requirements.txt").read_text() == f"t2i-zoo[studio]=={version('t2i-zoo')}\n"
