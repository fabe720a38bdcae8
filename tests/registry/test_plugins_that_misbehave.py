"""Whatever a plugin raises, prints or returns is told with its distribution, and every command works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installed_plugins import distribution
from installed_plugins import zoo as run

from zoo_registry import Plugin, hookimpl, hookspecs
from zoo_registry.errors import PluginWarning
from zoo_registry.registry import Catalogue

HOOK = "from zoo_registry import Component, hookimpl\n@hookimpl\ndef "
COMPONENT = HOOK + "zoo_components():\n    return [Component(kind='loss', {})]\n"
FIELDS = "name='mine', target='nowhere:Nothing', summary='x'"

AT_IMPORT = {
    "exits": ("raise SystemExit(0)", "SystemExit"),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "raises what is no Exception": ("class Odd(BaseException): pass\nraise Odd('odd')", "Odd: odd"),
    "raises what cannot be told": (
        "class Mute(Exception):\n    def __str__(self): raise SystemError\nraise Mute",
        "Mute",
    ),
    "colours its error": ("raise ValueError('\\x1b[31mred\\x1b[2J')", "ValueError: red"),
    "has a list for a name": (COMPONENT.format(FIELDS.replace("'mine'", "['mine']")), "expected a text"),
    "has lines in a name": (COMPONENT.format(FIELDS.replace("mine", "a\\nb")), "expected letters, digits"),
    "gives a number": (HOOK + "zoo_components():\n    return 5\n", "TypeError"),
    "gives no folders": (HOOK + "zoo_recipes():\n    return [None]\n", "TypeError"),
    "has no commands": (
        HOOK + "zoo_commands(app):\n    raise SystemExit(3)\n",
        "zoo_commands: SystemExit: 3",
    ),
    "has broken commands": (
        HOOK + "zoo_commands(app):\n    app.command('mine')(lambda x: 1)\n    app.command('bad')(5)\n",
        "zoo_commands",
    ),
}


@pytest.mark.parametrize(("code", "told"), AT_IMPORT.values(), ids=AT_IMPORT)
def test_a_plugin_that(tmp_path: Path, code: str, told: str) -> None:
    distribution(tmp_path, "zoo-odd", code, "4.2")
    result = run(tmp_path, "list", "loss", "--json")
    assert result.returncode == 0, result.stderr
    assert {"bce", "kl"} <= {part["name"] for part in json.loads(result.stdout)}
    assert "warning: plugin 'zoo-odd' of zoo-odd 4.2: " in result.stderr
    assert told in result.stderr
    assert "\x1b" not in result.stderr
    assert "Traceback" not in result.stderr


def test_what_a_plugin_prints_does_not_break_json(tmp_path: Path) -> None:
    (tmp_path / "parts_of_odd.py").write_text("print('part')\nfrom zoo_plugins.losses.kl import KL as Mine\n")
    component = COMPONENT.format(FIELDS.replace("nowhere:Nothing", "parts_of_odd:Mine"))
    commands = "\n@hookimpl\ndef zoo_commands(app):\n    print('commands')\n"
    distribution(tmp_path, "zoo-odd", "print('hello')\n" + component + commands)
    for command in (["plugins"], ["list"], ["show", "loss/mine"]):
        result = run(tmp_path, *command, "--json")
        json.loads(result.stdout)
        assert "hello" in result.stderr


def test_texts_of_plugins_reach_the_terminal_without_its_codes(tmp_path: Path) -> None:
    fields = FIELDS.replace("'x'", "'\\x1b[31mred\\x1b]0;title\\x07\\r\\nline'")
    distribution(tmp_path, "zoo-odd", COMPONENT.format(fields))
    result = run(tmp_path, "list", "loss")
    assert "red line" in result.stdout
    assert not {"\x1b", "\x07", "\r"} & set(result.stdout)


@pytest.mark.parametrize(
    "target",
    [
        "nowhere:Nothing",
        "zoo_odd:Nothing",
        "json:Nothing.more",
        "no target",
        "broken_part:Mine",
        "json.decoder:raw_decode",  # a method
    ],
)
def test_missing_targets_are_told(tmp_path: Path, target: str) -> None:
    (tmp_path / "broken_part.py").write_text("class Mine:\n")
    distribution(tmp_path, "zoo-odd", COMPONENT.format(FIELDS.replace("nowhere:Nothing", target)))
    result = run(tmp_path, "plugins", COLUMNS="200")
    assert f"its targets are not there: loss/mine ({target})" in result.stdout
    (listed,) = (p for p in json.loads(run(tmp_path, "plugins", "--json").stdout) if p["name"] == "zoo-odd")
    assert listed["missing_targets"] == [f"loss/mine ({target})"]
    shown = run(tmp_path, "show", "loss/mine")
    assert shown.returncode == 2
    assert "loss/mine of zoo-odd 1.0: " in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_recipe_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    code = f"from pathlib import Path\n{HOOK}zoo_recipes():\n    return [Path({str(tmp_path)!r})]\n"
    distribution(tmp_path, "zoo-odd", code)
    (tmp_path / "odd.toml").write_bytes(b"# \xff")
    result = run(tmp_path, "list", "recipe", "--json")
    summaries = {row["name"]: row["summary"] for row in json.loads(result.stdout)}
    assert summaries["odd"].startswith("broken: 'utf-8' codec can't decode byte 0xff")
    assert summaries["progan"]


def test_the_zoos_own_targets_are_there(tmp_path: Path) -> None:
    (own,) = json.loads(run(tmp_path, "plugins", "--json").stdout)
    assert own["missing_targets"] == []


def test_a_step_that_raises_is_told_once_and_training_goes_on() -> None:
    seen = []

    class Module:
        @hookimpl
        def zoo_step(self, step: int) -> None:
            seen.append(step)
            if step == 2:
                raise SystemExit(1)

    own, odd = Catalogue(), Plugin("zoo-odd", "zoo-odd", "1.0")
    own.manager.add_hookspecs(hookspecs)
    own.add(odd)
    own.manager.register(Module(), name=odd.key)
    own.call_each("zoo_step", round=None, terms={}, step=1)
    with pytest.warns(PluginWarning, match=r"'zoo-odd' of zoo-odd 1\.0: zoo_step: SystemExit: 1"):
        own.call_each("zoo_step", round=None, terms={}, step=2)
    own.call_each("zoo_step", round=None, terms={}, step=3)  # a warning would be an error here
    assert seen == [1, 2]


@pytest.mark.parametrize("raises", ["ValueError('\\x1b[2Jno')", "RuntimeError('no')", "OSError('no')"])
def test_what_a_part_raises_is_told_with_its_distribution(tmp_path: Path, raises: str) -> None:
    part = (
        "from zoo_registry.contracts import Dataset\nclass Odd(Dataset):\n    folder_layout = ''\n"
        f"    def __init__(self, source, /): self.source = source\n    def splits(self): raise {raises}\n"
        "    @classmethod\n    def recognises(cls, folder): return False\n"
    )
    component = COMPONENT.replace("'loss'", "'dataset'").format(
        FIELDS.replace("nowhere:Nothing", "zoo_odd:Odd")
    )
    distribution(tmp_path, "zoo-odd", part + component)
    result = run(tmp_path, "data", "info", "mine")
    assert result.returncode == 2
    said = raises.partition("(")[0]
    assert result.stderr == f"error: plugin 'zoo-odd' of zoo-odd 1.0: {said}: no; --debug shows where\n"
    assert "Traceback" in run(tmp_path, "--debug", "data", "info", "mine").stderr
