"""The help of every command as it was last read and liked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

from zoo.cli import app

SNAPSHOT = Path(__file__).parent / "help.txt"


def commands(group: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield before
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*before, name))


def text() -> str:
    told = []
    for command in commands(get_command(app)):
        result = CliRunner().invoke(app, [*command, "--help"], prog_name="zoo", env={"COLUMNS": "100"})
        lines = (line.rstrip() for line in result.output.strip().splitlines())
        told.append(f"$ zoo {' '.join((*command, '--help'))}\n" + "\n".join(lines))
    return "\n\n\n".join(told) + "\n"


def test_help_is_that_of_the_snapshot() -> None:
    """Meant to change? Write it anew and read it: python tests/cli/test_help.py."""
    assert text() == SNAPSHOT.read_text(encoding="utf-8")


if __name__ == "__main__":
    SNAPSHOT.write_text(text(), encoding="utf-8")
