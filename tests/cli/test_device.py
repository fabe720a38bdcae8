"""`--device`: checked once, in the same words by every command; that device is where it computes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import small_models
import torch
from accelerate import PartialState
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from zoo import cli
from zoo.assemble import Parts
from zoo.studio import served_models
from zoo_registry import ZooError

COMMANDS: dict[str, tuple[str, ...]] = {
    "train": ("attngan-aviary", "--data", "aviary:80", "--out", "run"),
    "train --resume": ("UNFINISHED",),
    "sample": ("RUN", "a bird"),
    "eval": ("RUN", "--data", "aviary:40", "--metrics", "kid"),
    "eval --table": ("RUN",),
    "interpolate": ("RUN", "a bird", "a red bird"),
    "restyle": ("STYLED", "IMAGE", "a red flower"),
    "studio": ("RUN",),
}
"""Every command with `--device`, in each of its ways to begin."""


def arguments(command: str, trained: Path, folder: Path) -> list[str]:
    places = {"RUN": trained, "STYLED": folder / "styled", "IMAGE": folder / "image.png"}
    return [*command.split(), *(str(places.get(word, word)) for word in COMMANDS[command])]


def test_every_command_with_the_option_is_tried() -> None:
    group: Any = get_command(cli.app)
    takes = {name for name in cli.COMMANDS if any(p.name == "device" for p in group.commands[name].params)}
    assert takes == {command.split()[0] for command in COMMANDS}


@pytest.mark.parametrize("device", ["cuda:1", "banana"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_device_that_is_not_here_is_one_line(
    command: str, device: str, trained: Path, tmp_path: Path
) -> None:
    words = [*arguments(command, trained, tmp_path), "--device", device]
    ended = subprocess.run(
        [sys.executable, "-m", "zoo.cli", *words], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    expected = f"error: device '{device}': expected one of cpu, cuda, cuda:N or mps that is here: cpu"
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.removesuffix("\n").startswith(expected)
    assert ended.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


class ComputingError(Exception):
    """Raised in place of moving networks to a device."""


@pytest.mark.parametrize("command", [each for each in COMMANDS if "--" not in each])
def test_card_1_is_where_a_command_computes(
    command: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moved(self: Parts, device: torch.device | None = None, dtype: torch.dtype | None = None) -> Parts:
        raise ComputingError(str(device))

    def served(models: list[str], *, device: str | None, **_: Any) -> None:
        served_models.StudioModels(models, device=device)[models[0]]

    state = PartialState(cpu=True)
    before = state.device
    small_models.styled().save_pretrained(tmp_path / "styled")
    Image.new("RGB", (16, 16)).save(tmp_path / "image.png")
    current: list[Any] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "a card")
    monkeypatch.setattr("zoo.studio.serve", served)
    monkeypatch.setattr(Parts, "to", moved)
    monkeypatch.chdir(tmp_path)
    try:
        ended = CliRunner().invoke(cli.app, [*arguments(command, trained, tmp_path), "--device", "cuda:1"])
    finally:
        state.device = before
    assert repr(ended.exception) == repr(ComputingError("cuda:1"))
    assert current == ([torch.device("cuda:1")] if command == "train" else [])


def test_a_torch_built_without_cuda_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.devices import device_named

    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(ZooError, match=r"here: cpu; this torch, .*, is built without CUDA$"):
        device_named("cuda")


def test_a_card_that_torch_cannot_use_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a driver that is too old: the card is counted, and nothing can run on it."""
    from zoo.devices import device_named

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert device_named(None) == torch.device("cpu")
    with pytest.raises(ZooError, match="here: cpu"):
        device_named("cuda")
