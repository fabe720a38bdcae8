"""The messages in docs/troubleshooting.md are those that are printed: each mistake is made."""

from __future__ import annotations

import pickle
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from zoo.cli import main

PAGE = (Path(__file__).parents[2] / "docs/troubleshooting.md").read_text(encoding="utf-8")
MESSAGES = [block.strip() for block in re.findall(r"```text\n(.*?)```", PAGE, flags=re.DOTALL)]


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str) -> str:
    """What a command prints on both outputs."""
    monkeypatch.setattr(sys, "argv", ["zoo", *command.split("|")])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr()
    return told.out + told.err


def pictures(folder: Path) -> None:
    (folder / "pics").mkdir()
    (folder / "pics/metadata.jsonl").write_text('{"file_name": "a.jpg", "captions": ["a red mug"]}\n')


def misfit(folder: Path) -> None:
    (folder / "bad.toml").write_text(
        'extends = "attngan-aviary"\nname = "bad"\ntext_encoder = { use = "char-cnn-rnn" }\n'
    )


def pickled(folder: Path) -> None:
    (folder / "captions.pickle").write_bytes(pickle.dumps(print))
    torch.save({"a": torch.zeros(1)}, folder / "g.pth")


def begun(folder: Path) -> None:
    (folder / "aviary").mkdir()
    (folder / "aviary/recipe.json").write_text("{}")


def nothing(folder: Path) -> None:
    pass


CASES: list[tuple[str, Callable[[Path], None]]] = [
    ("sample|nowhere|a red bird", nothing),
    ("train|attngan-aviary|--data|aviary:50|--out|r|--set|train.stesp=5", nothing),
    ("train|attngan-aviary|--data|folder:pics|--out|r", pictures),
    ("train|attngan-aviary|--data|aviary:50|--out|aviary", begun),
    ("train|attngan-birds|--data|aviary:50|--out|r", nothing),
    ("check|bad.toml", misfit),
    ("import|attngan|--generator|g.pth|--vocabulary|captions.pickle|--out|birds", pickled),
    ("import|attngan|--generator|g.pth|--out|birds", pickled),
]


@pytest.mark.parametrize(("command", "prepare"), CASES, ids=[command.split("|")[0] for command, _ in CASES])
def test_the_message_is_in_the_page(
    command: str,
    prepare: Callable[[Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    told = run(monkeypatch, capsys, command)
    assert any(message in told for message in MESSAGES), told
