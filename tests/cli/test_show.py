"""What `zoo list` and `zoo show` tell of what is installed."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from string import Template
from typing import Any, Literal

import pytest
from pydantic import BaseModel, PositiveInt
from typer.testing import CliRunner

import zoo.scaffold
from zoo.cli import app
from zoo_registry import KINDS, Component, Recipe, ZooError, catalogue
from zoo_registry.contracts import Loss
from zoo_registry.explain import explain
from zoo_registry.registry import heading
from zoo_registry.schema import schema_of
from zoo_registry.testing import check_component


def zoo_says(*arguments: str) -> str:
    """Standard output of a command that succeeds."""
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def names(*arguments: str) -> set[tuple[str, str]]:
    return {(row["kind"], row["name"]) for row in json.loads(zoo_says("list", *arguments, "--json"))}


def test_list_filters_by_kind_by_pattern_and_by_both() -> None:
    everything = names()
    attentive = names("attn*")
    assert attentive == {row for row in everything if row[1].startswith("attn")}
    assert ("recipe", "attngan-birds") in attentive
    assert names("generator") == {row for row in everything if row[0] == "generator"}
    assert names("generator", "dcgan*") == {("generator", "dcgan"), ("generator", "dcgan-residual")}
    assert names("models") == {row for row in everything if row[0] in ("recipe", "pretrained")}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("generators",), "did you mean 'generator'?"),
        (("model",), "did you mean 'models'?"),
        (("atngan-birds*",), "did you mean 'attngan-birds'?"),
        (("generator", "dcgn"), "no generator is called 'dcgn'; did you mean 'dcgan'?"),
        (("generatr", "dcgan"), "'generatr' is no kind of part; did you mean 'generator'?"),
        (("generator", "dcgan", "progan"), "quote the pattern"),
    ],
)
def test_a_miss_names_the_nearest(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ZooError) as told:
        zoo_says("list", *arguments)
    assert message in str(told.value)


def test_show_explains_every_setting_of_a_part_in_a_line() -> None:
    lines = zoo_says("show", "attention-stages").splitlines()
    assert "  residual_blocks = 2 (integer from 0): how many in each later stage." in lines
    assert '  images = "all" ("all" or "largest"): "all": a stage ends in its image.' in "\n".join(lines)
    task = zoo_says("show", "gan")
    assert "table GrowthStage: How long a growing network trains" in task
    assert "  fade = 0.5 (number from 0 to 1): share of these epochs" in task
    assert "settings, beside those of every task" in task
    protocol = zoo_says("show", "fid-test-5k")
    assert "  images = 5000: how many images are generated" in protocol


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "protocol"])
def test_inherited_settings_are_explained_too(kind: str) -> None:
    """`check_component` asks it of every part; here of the whole catalogue, plugins' too."""
    for component in catalogue().of(kind):
        for setting in explain(schema_of(component).settings):
            assert setting.meaning, f"{component.kind}/{component.name}: {setting.name}"


def test_show_explains_a_recipe_with_the_values_it_has() -> None:
    shown = zoo_says("show", "attngan1-birds")
    assert shown.startswith("# AttnGAN1"), "its file first"
    lines = shown.splitlines()
    assert any(line.startswith("generator: attention-stages. ") for line in lines)
    assert any(line.startswith("  resolutions = [64, 128] ([integer from 1, …]): ") for line in lines)
    assert any(line.startswith("train: task gan. ") for line in lines)
    assert any(line.startswith("  batch_size = 20 (integer from 1): ") for line in lines)
    assert any(line.startswith("losses[1]: damsm. ") for line in lines)


def test_show_of_a_model_and_of_a_name_that_several_have() -> None:
    assert "pretrained/portraits: a model of the recipe portraits" in zoo_says("show", "pretrained/portraits")
    with pytest.raises(ZooError, match="zoo show generator/dcgan, zoo show discriminator/dcgan"):
        zoo_says("show", "dcgan")
    with pytest.raises(ZooError, match="did you mean 'attention-stages'"):
        zoo_says("show", "attention-stage")


class Blurred(Loss):
    """A loss whose settings are described badly.

    sharpness: s.
    """

    def __init__(self, *, sharpness: PositiveInt = 1) -> None:
        self.sharpness = sharpness


class Window(BaseModel):
    """A table with a setting that is not described."""

    size: PositiveInt = 3


class Windowed(Loss):
    """A loss with a table.

    window: where the images are looked at.
    """

    def __init__(self, *, window: Window | None = None, mode: Literal["a"] = "a") -> None:
        self.window = window


@pytest.mark.parametrize(("part", "setting"), [(Blurred, "sharpness"), (Windowed, "mode")])
def test_check_component_tells_a_setting_that_is_not_described(part: Any, setting: str) -> None:
    component = Component(kind="loss", name="x", target=f"{__name__}:{part.__name__}", summary="x")
    with pytest.raises(
        AssertionError, match=f"'{setting}' is a setting that the docstring does not describe"
    ):
        check_component(component)


LAUNCHES = {name: catalogue().recipe(name) for name in catalogue().recipe_names()}


@pytest.mark.parametrize("name", sorted(LAUNCHES))
def test_the_command_at_the_head_of_a_recipe_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    summary, launch = heading(LAUNCHES[name])
    assert summary
    check_launch(launch, name, monkeypatch)


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_at_the_head_of_a_new_plugins_recipe_runs(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path(zoo.scaffold.__file__).parent / f"recipes/{kind}.toml"
    launch = Template(heading(file)[1]).substitute(recipe="attngan-aviary", part="aviary")
    check_launch(launch, "attngan-aviary", monkeypatch)


def check_launch(launch: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a command up to where training would begin."""
    import zoo.training.trainer

    started = []

    def train(recipe: str, data: str, out: Path, **options: Any) -> Path:
        started.append((Recipe.read(recipe, catalogue(), options["changes"]).name, data, out))
        return out

    monkeypatch.setattr(zoo.training.trainer, "train", train)
    program, *arguments = shlex.split(launch)
    assert program == "zoo"
    zoo_says(*arguments)
    [(recipe, data, out)] = started
    assert (recipe, out) == (name, Path("runs") / name)
    assert catalogue().get("dataset", data.partition(":")[0])


def test_module_runs_as_the_command() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "zoo", "list", "importer"], capture_output=True, text=True, check=True
    ).stdout
    assert listed == zoo_says("list", "importer")
