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
MESSAGES = {
    section.partition("\n")[0]: re.findall(r"```text\n(.*?)\n```", section, flags=re.DOTALL)
    for section in PAGE.split("\n### ")[1:]
}
"""What the page quotes, by the headings that it stands under."""


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str) -> str:
    """What a command prints on both outputs."""
    monkeypatch.setattr(sys, "argv", ["zoo", *command.split("|")])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr()
    return told.out + told.err


def images(folder: Path) -> None:
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


TRAIN = "train|attngan-aviary|--data|"
CASES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "The model cannot be found": ("sample|nowhere|a red bird", nothing),
    "A setting or a name is not known": (TRAIN + "aviary:50|--out|r|--set|train.stesp=5", nothing),
    "The data set has problems": (TRAIN + "folder:pics|--out|r", images),
    "The folder of the run exists": (TRAIN + "aviary:50|--out|aviary", begun),
    "There are fewer images than a batch holds": ("train|attngan-birds|--data|aviary:50|--out|r", nothing),
    "Parts do not fit": ("check|bad.toml", misfit),
    "A pickle is refused": (
        "import|attngan|--generator|g.pth|--vocabulary|captions.pickle|--out|birds",
        pickled,
    ),
    "An old checkpoint is of another system": ("import|attngan|--generator|g.pth|--out|birds", pickled),
}


@pytest.mark.parametrize("heading", CASES)
def test_the_message_is_in_the_page(
    heading: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command, prepare = CASES[heading]
    prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    told = run(monkeypatch, capsys, command)
    (message,) = MESSAGES[heading]
    assert message in told
