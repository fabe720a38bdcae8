"""Plugins as users have them: distributions with entry points, loaded by a real process."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import small_models
from installed_plugins import distribution, zoo
from PIL import Image

GOOD = """
from zoo_registry import Component, hookimpl

@hookimpl
def zoo_components():
    return [Component(kind="loss", name="{name}", target="nowhere:Nothing", summary="of a plugin")]
"""


def test_a_plugin_adds_a_part(tmp_path: Path) -> None:
    distribution(tmp_path, "zoo-good", GOOD.format(name="shiny"))
    result = zoo(tmp_path, "list", "loss", "--json")
    assert {"kind": "loss", "name": "shiny", "summary": "of a plugin", "paper": ""} in json.loads(
        result.stdout
    )
    assert result.stderr == ""


def test_a_plugin_that_fails_to_import_breaks_nothing_else(tmp_path: Path) -> None:
    distribution(tmp_path, "zoo-broken", "import not_installed_anywhere\n", "2.3")
    result = zoo(tmp_path, "list", "loss")
    assert result.returncode == 0
    assert "bce" in result.stdout
    assert "warning: plugin 'zoo-broken' of zoo-broken 2.3: ModuleNotFoundError" in result.stderr
    assert "Traceback" not in result.stderr
    listed = {p["name"]: p for p in json.loads(zoo(tmp_path, "plugins", "--json").stdout)}
    assert "not_installed_anywhere" in listed["zoo-broken"]["error"]
    assert listed["zoo"]["error"] is None
    told = zoo(tmp_path, "plugins", COLUMNS="100").stdout
    assert re.search(
        r"^zoo-broken 2\.3, entry point 'zoo-broken', loaded in \d+ ms\n"
        r"  error +ModuleNotFoundError: No module named 'not_installed_anywhere'$",
        told,
        re.MULTILINE,
    ), told


def test_a_missing_part_names_the_plugin_that_failed(tmp_path: Path) -> None:
    distribution(tmp_path, "zoo-broken", "raise RuntimeError('out of order')\n")
    result = zoo(tmp_path, "show", "loss/bcee")
    assert result.returncode == 2
    assert "no loss is called 'bcee'; did you mean 'bce'?" in result.stderr
    assert "zoo-broken 1.0 (RuntimeError: out of order)" in result.stderr


def test_a_name_that_two_plugins_have(tmp_path: Path) -> None:
    distribution(tmp_path, "zoo-one", GOOD.format(name="twice"))
    distribution(tmp_path, "zoo-two", GOOD.format(name="twice"))
    result = zoo(tmp_path, "show", "loss/twice")
    assert result.returncode == 2
    assert "loss/twice is provided by zoo-one 1.0 and by zoo-two 1.0" in result.stderr
    assert zoo(tmp_path, "show", "loss/kl").returncode == 0


def test_an_own_name_taken_by_a_plugin_is_a_clash_too(tmp_path: Path) -> None:
    distribution(tmp_path, "zoo-thief", GOOD.format(name="kl"))
    result = zoo(tmp_path, "check", "attngan-birds")
    assert result.returncode == 1
    assert "loss/kl is provided by t2i-zoo" in result.stdout
    assert "zoo-thief 1.0" in result.stdout


@pytest.mark.parametrize(("pinned", "expected"), [("", {"zoo"}), ("zoo-one", {"zoo", "zoo-one"})])
def test_zoo_plugins_pins_the_set(tmp_path: Path, pinned: str, expected: set[str]) -> None:
    distribution(tmp_path, "zoo-one", GOOD.format(name="one"))
    distribution(tmp_path, "zoo-two", "raise RuntimeError")
    result = zoo(tmp_path, "plugins", "--json", ZOO_PLUGINS=pinned)
    assert {p["name"] for p in json.loads(result.stdout)} == expected
    assert result.stderr == ""


def test_a_hook_with_wrong_arguments_is_the_plugins_bug(tmp_path: Path) -> None:
    code = "from zoo_registry import hookimpl\n@hookimpl\ndef zoo_step(rounds, terms):\n    pass\n"
    distribution(tmp_path, "zoo-old", code)
    listed = {p["name"]: p for p in json.loads(zoo(tmp_path, "plugins", "--json").stdout)}
    assert "zoo_step" in listed["zoo-old"]["error"]


def test_a_command_of_a_plugin(tmp_path: Path) -> None:
    code = (
        "from zoo_registry import hookimpl\n@hookimpl\ndef zoo_commands(app):\n"
        "    @app.command()\n    def greet():\n        print('hello from a plugin')\n"
    )
    distribution(tmp_path, "zoo-greeter", code)
    assert zoo(tmp_path, "greet").stdout == "hello from a plugin\n"
    told = zoo(tmp_path, "--help").stdout
    assert re.search(r"^  list .*^  greet\b", told, re.MULTILINE | re.DOTALL), told
    assert "did you mean 'greet'" in zoo(tmp_path, "gret").stderr


def test_a_command_of_a_plugin_stands_for_ours_of_its_name(tmp_path: Path) -> None:
    code = (
        "from zoo_registry import hookimpl\n@hookimpl\ndef zoo_commands(app):\n"
        "    @app.command('doctor')\n    def doctor():\n        print('of a plugin')\n"
    )
    distribution(tmp_path, "zoo-doctor", code)
    assert zoo(tmp_path, "doctor").stdout == "of a plugin\n"


def test_a_command_reads_the_file_of_no_other() -> None:
    code = "import sys; from typer.testing import CliRunner; from zoo.cli import app\n"
    code += "CliRunner().invoke(app, ['list']); print([m for m in sys.modules if m.startswith('zoo.cli.')])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "['zoo.cli.streams', 'zoo.cli.looking']\n"


def test_looking_imports_nothing_heavy() -> None:
    code = """
import sys
import zoo
from zoo.cli import app
from typer.testing import CliRunner
for arguments in (["--help"], ["list"], ["list", "recipe"], ["plugins"]):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
for name in ("torch", "timm", "numpy", "transformers", "PIL", "pydantic"):
    assert name not in sys.modules, name
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


SHIPS = """
from pathlib import Path
from zoo_registry import hookimpl

@hookimpl
def zoo_pretrained():
    return [Path(__file__).parent / "{folder}"]
"""


def test_a_plugin_ships_a_model(tmp_path: Path) -> None:
    distribution(tmp_path, "zoo-ships", SHIPS.format(folder="models"))
    small_models.wordless().save_pretrained(tmp_path / "models" / "blots")
    listed = json.loads(zoo(tmp_path, "list", "pretrained", "--json").stdout)
    assert {"kind": "pretrained", "name": "blots", "summary": "progan-aviary"}.items() <= next(
        row for row in listed if row["name"] == "blots"
    ).items()
    assert re.search(r"pretrained +blots", zoo(tmp_path, "plugins").stdout)
    generated = zoo(tmp_path, "sample", "blots", "--out", str(tmp_path / "blot.png"))
    assert generated.returncode == 0, generated.stderr
    with Image.open(tmp_path / "blot.png") as image:
        assert image.size == (16, 16)
    missed = zoo(tmp_path, "sample", "blot", "--out", str(tmp_path / "blot.png"))
    assert missed.returncode == 2
    assert "did you mean 'blots'?" in missed.stderr


def test_a_folder_that_holds_a_model_wins_over_a_shipped_one(tmp_path: Path) -> None:
    distribution(tmp_path, "zoo-ships", SHIPS.format(folder="models"))
    small_models.wordless().save_pretrained(tmp_path / "models" / "blots")
    here = tmp_path / "here"
    (here / "blots").mkdir(parents=True)
    assert zoo(tmp_path, "card", "blots", cwd=here).stdout.startswith("---\n"), "an empty folder is no model"
    small_models.styled().save_pretrained(here / "blots")
    assert "# style-garden" in zoo(tmp_path, "card", "blots", cwd=here).stdout


def test_two_plugins_that_ship_one_name(tmp_path: Path) -> None:
    for name in ("zoo-one", "zoo-two"):
        distribution(tmp_path, name, SHIPS.format(folder=name))
        (tmp_path / name / "blots").mkdir(parents=True)
        (tmp_path / name / "blots" / "config.json").write_text("{}")
    result = zoo(tmp_path, "sample", "blots")
    assert result.returncode == 2
    clash = "pretrained model blots is provided by zoo-one 1.0 and by zoo-two 1.0"
    assert clash in result.stderr
    listed = zoo(tmp_path, "list", "--json")
    assert listed.returncode == 0
    assert clash in listed.stderr
    assert not [row for row in json.loads(listed.stdout) if row["name"] == "blots"]
    small_models.styled().save_pretrained(tmp_path / "here" / "blots")
    assert "# style-garden" in zoo(tmp_path, "card", "blots", cwd=tmp_path / "here").stdout


def test_a_shipped_model_that_cannot_be_read_hides_nothing_else(tmp_path: Path) -> None:
    distribution(tmp_path, "zoo-ships", SHIPS.format(folder="models"))
    small_models.wordless().save_pretrained(tmp_path / "models" / "blots")
    for name, text in (("torn", "{"), ("numbered", '{"recipe": {"name": "blots", "paper": 1}}')):
        small_models.wordless().save_pretrained(tmp_path / "models" / name)
        (tmp_path / "models" / name / "config.json").write_text(text)
    listed = zoo(tmp_path, "list", "pretrained", "--json")
    assert listed.returncode == 0, listed.stderr
    told = {row["name"]: row["summary"] for row in json.loads(listed.stdout)}
    assert told["blots"] == "progan-aviary"
    assert told["torn"].startswith("broken: config.json cannot be read: Expecting")
    assert told["numbered"] == "broken: config.json cannot be read: recipe.paper is no text"
    table = zoo(tmp_path, "list", "pretrained")
    assert table.returncode == 0, table.stderr
    assert told["numbered"] in table.stdout


def test_two_plugins_that_have_one_recipe(tmp_path: Path) -> None:
    for name in ("zoo-one", "zoo-two"):
        recipes = "@hookimpl\ndef zoo_recipes():\n    return [Path(__file__).parent / "
        code = SHIPS.split("@hookimpl")[0] + recipes + f'"{name}"]\n'
        distribution(tmp_path, name, code)
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.toml").write_text('extends = "attngan-aviary"\n')
    listed = zoo(tmp_path, "list", "recipe", "--json")
    assert listed.returncode == 0, listed.stderr
    assert "recipe mine is provided by zoo-one 1.0 and by zoo-two 1.0" in listed.stderr
    names = [row["name"] for row in json.loads(listed.stdout)]
    assert "attngan-aviary" in names
    assert "mine" not in names
    assert zoo(tmp_path, "check", "mine").returncode == 2
