"""Distributions as they are installed: the zoo's wheel beside a user's own folders, and plugins of others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from tiny import TINY_CHANGES

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.xdist_group("packaging")


def pip(*arguments: str | Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", *map(str, arguments)], check=True
    )


def run(command: list[str | Path], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in result.stderr, result.stderr
    return result


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the zoo's wheel and two plugins installed.

    The libraries that the zoo needs are those of this environment, by path: its own editable zoo is not,
    since a
    .pth file of a folder that is added by path is not read.
    """
    folder = tmp_path_factory.mktemp("environment")
    wheels = folder / "wheels"
    for source in (ROOT, ROOT / "tests/plugin_sample", ROOT / "tests/plugin_broken"):
        pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, source)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv/bin/python"
    pip("--python", python, "install", "--no-deps", *wheels.glob("*.whl"))
    paths = {name: sysconfig.get_path(name) for name in ("purelib", "platlib")}
    site = next((folder / "venv/lib").glob("python*/site-packages"))
    (site / "libraries.pth").write_text("\n".join(sorted(set(paths.values()))) + "\n")
    return folder / "venv/bin"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A user's working folder whose names are ours."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/__init__.py").write_text("raise RuntimeError('the user\\'s own plugins')\n")
    (tmp_path / "registry.py").write_text("raise RuntimeError('the user\\'s own registry')\n")
    (tmp_path / "zoo").mkdir()
    return tmp_path


def test_the_wheel_works_from_a_hostile_folder(environment: Path, hostile: Path) -> None:
    where = run([environment / "python", "-c", "import zoo, zoo_plugins; print(zoo.__file__)"], hostile)
    assert str(environment.parent) in where.stdout, "the zoo is the installed wheel's"
    listed = run([environment / "zoo", "list", "--json"], hostile)
    assert {"attention-stages", "attngan-birds"} <= {row["name"] for row in json.loads(listed.stdout)}
    shipped = ["sample", "aviary", "a small blue bird", "--out", "blue.png", "--device", "cpu"]
    assert run([environment / "zoo", *shipped], hostile).returncode == 0, "trained models are in the wheel"
    assert (hostile / "blue.png").is_file()
    changes = [word for change in TINY_CHANGES for word in ("--set", change)]
    train = ["train", "attngan-aviary", "--data", "aviary:40", "--out", "run", "--quiet", "--device", "cpu"]
    assert run([environment / "zoo", *train, *changes], hostile).returncode == 0
    sample = ["sample", "run", "a red bird", "--out", "bird.png", "--device", "cpu"]
    assert run([environment / "zoo", *sample], hostile).returncode == 0
    assert (hostile / "bird.png").is_file()
    code = "import zoo; zoo.load('run')('a red bird')[0].save('again.png')"
    assert run([environment / "python", "-c", code], hostile).returncode == 0
    assert (hostile / "again.png").is_file()


def test_a_plugin_trains_and_a_broken_one_is_reported(environment: Path, tmp_path: Path) -> None:
    listed = run([environment / "zoo", "plugins", "--json"], tmp_path)
    plugins = {row["distribution"]: row for row in json.loads(listed.stdout)}
    assert plugins["zoo-plugin-sample"]["parts"] == ["conditioning/squeeze"]
    assert plugins["zoo-plugin-sample"]["recipes"] == ["squeezed"]
    assert "a_library_that_is_not_installed" in plugins["zoo-plugin-broken"]["error"]
    assert "zoo-plugin-broken 0.1.0" in listed.stderr
    changes = [word for change in (*TINY_CHANGES, "train.steps=1") for word in ("--set", change)]
    train = ["train", "squeezed", "--data", "aviary:40", "--out", "run", "--quiet", "--device", "cpu"]
    assert run([environment / "zoo", *train, *changes], tmp_path).returncode == 0
    config = json.loads((tmp_path / "run/model/config.json").read_text())
    assert config["made_with"]["plugins"]["zoo-plugin-sample"] == "0.1.0"
    # who does not have the plugin is told which distribution to install
    without = run([environment / "zoo", "sample", "run", "a red bird"], tmp_path, ZOO_PLUGINS="")
    assert without.returncode == 2
    assert "no conditioning is called 'squeeze'" in without.stderr
    assert "pip install zoo-plugin-sample==0.1.0" in without.stderr


def test_the_sample_plugins_part_keeps_its_contract(environment: Path, tmp_path: Path) -> None:
    code = (
        "from zoo_registry import catalogue; from zoo_registry.testing import check_component; "
        "check_component(catalogue().get('conditioning', 'squeeze'), width=8)"
    )
    result = run([environment / "python", "-c", code], tmp_path)
    assert result.returncode == 0, result.stderr


SMALL = (
    "generator.resolution=16",
    "generator.channels=8",
    "train.steps=20",
    "train.batch_size=8",
    "pretrain.train.steps=2",
    "pretrain.train.batch_size=8",
    "pretrain.train.resolution=32",
    "pretrain.train.held_out=10",
    "pretrain.image_encoder.resolution=32",
)
"""A generator's recipe as `zoo new-plugin` writes it, small enough for a test."""


def test_a_new_plugin_is_green_at_once(environment: Path, tmp_path: Path) -> None:
    """Scaffold, install, test, train 20 steps, uninstall."""
    made = run([environment / "zoo", "new-plugin", "zoo-mosaic", "--kind", "generator"], tmp_path)
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "zoo-mosaic"
    install = ["install", "--no-deps", "--no-build-isolation", folder]
    pip("--python", environment / "python", *install)
    try:
        tested = run([environment / "python", "-m", "pytest", "-p", "no:cacheprovider", "-q"], folder)
        assert tested.returncode == 0, tested.stdout
        assert "2 passed" in tested.stdout
        listed = run([environment / "zoo", "plugins"], tmp_path).stdout
        assert re.search(
            r"^zoo-mosaic 0\.1\.0, entry point 'zoo-mosaic', loaded in \d+ ms\n"
            r" +generator +mosaic\n +recipe +mosaic-aviary$",
            listed,
            re.MULTILINE,
        ), listed
        changes = [word for change in SMALL for word in ("--set", change)]
        train = ["train", "mosaic-aviary", "--data", "aviary:40", "--out", "run", "--device", "cpu"]
        trained = run([environment / "zoo", *train, *changes], tmp_path)
        assert trained.returncode == 0, trained.stderr
        config = json.loads((tmp_path / "run/model/config.json").read_text())
        assert config["recipe"]["generator"]["use"] == "mosaic"
        assert config["made_with"]["plugins"]["zoo-mosaic"] == "0.1.0"
        # its name is taken from now on
        again = run([environment / "zoo", "new-plugin", "zoo-mosaic", "--out", "other"], tmp_path)
        assert again.returncode == 2
        assert "zoo-mosaic 0.1.0 is installed already" in again.stderr
    finally:
        pip("--python", environment / "python", "uninstall", "--yes", "zoo-mosaic")


def test_the_sample_plugin_is_short() -> None:
    package = ROOT / "tests/plugin_sample/src/zoo_plugin_sample"
    assert sum(len(path.read_text().splitlines()) for path in package.iterdir() if path.is_file()) < 40
