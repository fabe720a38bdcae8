"""Plugins as users have them: distributions with entry points, loaded by a real process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


def distribution(site: Path, name: str, code: str, version: str = "1.0") -> None:
    """Install a distribution with one module by writing what an installer writes."""
    module = name.replace("-", "_")
    (site / f"{module}.py").write_text(code)
    info = site / f"{module}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[zoo]\n{name} = {module}\n")


def zoo(site: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zoo.cli", *arguments],
        env=os.environ | {"PYTHONPATH": str(site)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


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
    assert "not_installed_anywhere" in listed["zoo-broken"]["fault"]
    assert listed["zoo"]["fault"] is None
    told = zoo(tmp_path, "plugins", COLUMNS="100").stdout
    assert re.search(
        r"^zoo-broken 2\.3, entry point 'zoo-broken', loaded in \d+ ms\n"
        r"  fault +ModuleNotFoundError: No module named 'not_installed_anywhere'$",
        told,
        re.MULTILINE,
    ), told


def test_a_missing_part_names_the_plugin_that_failed(tmp_path: Path) -> None:
    distribution(tmp_path, "zoo-broken", "raise RuntimeError('out of order')\n")
    result = zoo(tmp_path, "show", "loss/bcee")
    assert result.returncode == 2
    assert "no loss is called 'bcee'; did you mean 'bce'?" in result.stderr
    assert "zoo-broken 1.0 (RuntimeError: out of order)" in result.stderr


def test_a_name_that_two_plugins_offer(tmp_path: Path) -> None:
    distribution(tmp_path, "zoo-one", GOOD.format(name="twice"))
    distribution(tmp_path, "zoo-two", GOOD.format(name="twice"))
    result = zoo(tmp_path, "show", "loss/twice")
    assert result.returncode == 2
    assert "loss/twice is offered by zoo-one 1.0 and by zoo-two 1.0" in result.stderr
    assert zoo(tmp_path, "show", "loss/kl").returncode == 0


def test_an_own_name_taken_by_a_plugin_is_a_clash_too(tmp_path: Path) -> None:
    distribution(tmp_path, "zoo-thief", GOOD.format(name="kl"))
    result = zoo(tmp_path, "check", "attngan-birds")
    assert result.returncode == 1
    assert "loss/kl is offered by t2i-zoo" in result.stdout
    assert "zoo-thief 1.0" in result.stdout


@pytest.mark.parametrize(("pinned", "expected"), [("", {"zoo"}), ("zoo-one", {"zoo", "zoo-one"})])
def test_zoo_plugins_pins_the_set(tmp_path: Path, pinned: str, expected: set[str]) -> None:
    distribution(tmp_path, "zoo-one", GOOD.format(name="one"))
    distribution(tmp_path, "zoo-two", "raise RuntimeError")
    result = zoo(tmp_path, "plugins", "--json", ZOO_PLUGINS=pinned)
    assert {p["name"] for p in json.loads(result.stdout)} == expected
    assert result.stderr == ""


def test_a_hook_with_wrong_arguments_is_the_plugins_fault(tmp_path: Path) -> None:
    code = "from zoo_registry import hookimpl\n@hookimpl\ndef zoo_step(rounds, terms):\n    pass\n"
    distribution(tmp_path, "zoo-old", code)
    listed = {p["name"]: p for p in json.loads(zoo(tmp_path, "plugins", "--json").stdout)}
    assert "zoo_step" in listed["zoo-old"]["fault"]


def test_a_command_of_a_plugin(tmp_path: Path) -> None:
    code = (
        "from zoo_registry import hookimpl\n@hookimpl\ndef zoo_commands(app):\n"
        "    @app.command()\n    def greet():\n        print('hello from a plugin')\n"
    )
    distribution(tmp_path, "zoo-greeter", code)
    assert zoo(tmp_path, "greet").stdout == "hello from a plugin\n"


def test_looking_imports_no_torch() -> None:
    code = """
import sys
import zoo
from zoo.cli import app
from typer.testing import CliRunner
for arguments in (["--help"], ["list"], ["list", "recipe"], ["plugins"]):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
for name in ("torch", "timm", "numpy", "transformers", "PIL"):
    assert name not in sys.modules, name
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
