"""A plugin as `zoo new-plugin` writes it: each kind of part keeps its contract, and names are told apart."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from zoo.scaffold import new_plugin
from zoo_registry import KINDS, Catalogue, Plugin, Recipe, ZooError, catalogue
from zoo_registry.testing import check_component


def scaffolded(folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package of a new plugin, imported from its folder."""
    name = f"zoo-mosaic-{kind.replace('_', '-')}"
    out = new_plugin(name, kind, folder / name, catalogue())
    monkeypatch.syspath_prepend(out / "src")
    return importlib.import_module(name.replace("-", "_"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_part_keeps_its_contract_and_the_recipe_can_be_built(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = scaffolded(tmp_path, kind, monkeypatch)
    [part] = package.zoo_components()
    assert part.kind == kind
    check_component(part)
    [folder] = package.zoo_recipes()
    together = Catalogue()
    for plugin in catalogue().plugins:
        together.add(plugin)
    [recipe] = folder.glob("*.toml")
    together.add(Plugin("mosaic", "zoo-mosaic", "0.1.0", components=(part,), recipes=(recipe,)))
    read = Recipe.read(recipe.stem, together)
    chosen = [choice.component for choice in (*read.parts.values(), *read.losses, *read.augmentations)]
    if kind in ("metric", "protocol"):
        assert read.locked()["train"]["evaluate"]["metrics"] == [part.name]
    elif kind == "extractor":
        assert f"kid.features={part.name}" in read.locked()["train"]["evaluate"]["changes"]
    elif kind == "importer":
        assert part.load().recipe == recipe.stem
    elif kind == "task":
        assert read.task == part
    elif kind != "dataset":  # which --data names, not the recipe
        assert part in chosen


def test_a_new_task_trains_as_its_own_tests_say(tmp_path: Path) -> None:
    out = new_plugin("zoo-mosaic", "task", tmp_path / "mosaic", catalogue())
    installed = out / "src/zoo_mosaic-0.1.0.dist-info"  # as pip would write it
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-mosaic\nVersion: 0.1.0\n")
    (installed / "entry_points.txt").write_text("[zoo]\nzoo-mosaic = zoo_mosaic\n")
    paths = os.pathsep.join([str(out / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", out / "tests"],
        cwd=out,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_every_file_is_filled_in(tmp_path: Path) -> None:
    out = new_plugin("Zoo_Mosaic", "text_encoder", tmp_path / "deep" / "mosaic", catalogue())
    project = tomllib.loads((out / "pyproject.toml").read_text())
    assert project["project"]["name"] == "zoo-mosaic"
    assert project["project"]["entry-points"]["zoo"] == {"zoo-mosaic": "zoo_mosaic"}
    assert (out / "src/zoo_mosaic/recipes/mosaic-aviary.toml").is_file()
    assert "${{ matrix.python }}" in (out / ".github/workflows/test.yml").read_text()
    others = [path for path in out.rglob("*") if path.is_file() and path.name != "test.yml"]
    assert not [path for path in others if "$" in path.read_text()]


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("../mosaic", "loss", "no name of a distribution"),
        ("mosaic-", "loss", "no name of a distribution"),
        ("mosaic\n", "loss", "no name of a distribution"),
        ("3d", "loss", "'3d', which Python cannot import; zoo-3d would do"),
        ("class", "loss", "'class', which Python cannot import; zoo-class would do"),
        ("json", "loss", "'json' would hide one that can be imported already"),
        ("zoo_registry", "loss", "would hide one that can be imported already"),
        ("Torch", "loss", "installed already"),
        ("T2I.zoo", "loss", "installed already"),
        ("zoo-dcgan", "generator", "has the generator already; expected another name"),
        ("attngan", "dataset", "has the recipe 'attngan-aviary' already; expected another name"),
        ("mosaic", "genrator", "--kind genrator: no such kind of part; did you mean 'generator'?"),
    ],
)
def test_a_name_that_cannot_be_is_reported(tmp_path: Path, name: str, kind: str, told: str) -> None:
    with pytest.raises(ZooError) as error:
        new_plugin(name, kind, tmp_path / "new", catalogue())
    assert told in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_name_may_be_that_of_another_kind_of_part(tmp_path: Path) -> None:
    assert new_plugin("zoo-dcgan", "loss", tmp_path / "new", catalogue()).is_dir()


def zoo(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "zoo.cli", *arguments]
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert "Traceback" not in result.stderr, result.stderr
    return result


def test_the_command_writes_into_a_folder_of_the_name_and_refuses_one_that_is_there(tmp_path: Path) -> None:
    first = zoo("new-plugin", "zoo-mosaic", "--kind", "loss", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    written = {str(p.relative_to(tmp_path)) for p in (tmp_path / "zoo-mosaic").rglob("*") if p.is_file()}
    *listed, following = first.stdout.splitlines()
    assert set(listed) == written
    assert following.startswith("next: pip install -e 'zoo-mosaic[test]'")
    part = tmp_path / "zoo-mosaic/src/zoo_mosaic/loss.py"
    part.write_text("mine")
    second = zoo("new-plugin", "zoo-mosaic", cwd=tmp_path)
    assert second.returncode == 2
    assert "zoo-mosaic exists; expected a new folder" in second.stderr
    assert part.read_text() == "mine"


def test_a_folder_that_takes_no_file() -> None:
    with pytest.raises(ZooError, match="/proc/new cannot be written: "):  # not even by root
        new_plugin("zoo-mosaic", "loss", Path("/proc/new"), catalogue())


def test_a_file_where_a_folder_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ZooError, match="cannot be written"):
        new_plugin("zoo-mosaic", "loss", tmp_path / "file" / "new", catalogue())
    assert (tmp_path / "file").read_text() == "mine"
