"""Errors that a user can fix, and their wording."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


class ZooError(Exception):
    """A mistake in the user's input or files: what is wrong, where, and what was expected.

    The command line prints it without a traceback and exits with status 2. It may quote names out of foreign
    files: codes that would steer a terminal, and halves of characters, are left out.
    """

    def __str__(self) -> str:
        lines = _ESCAPES.sub("", super().__str__()).expandtabs(4).split("\n")
        return "\n".join("".join(letter for letter in line if letter.isprintable()) for line in lines)


class RecipeError(ZooError):
    """A recipe that cannot be built; `problems` holds all that is wrong with it, one line each."""

    def __init__(self, name: str, problems: Iterable[str]) -> None:
        self.name = name
        self.problems = tuple(problems)
        super().__init__(f"{name} cannot be built:\n" + "\n".join(f"  {p}" for p in self.problems))


class PluginWarning(UserWarning):
    """A plugin that could not be loaded; everything else works."""


def near(name: str, known: Iterable[str]) -> str:
    """What to add to "no such name": the nearest known name, where one is near."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """What to add to "no such name": the nearest known name, or all of them when none is near."""
    names = sorted(known)
    return near(name, names) or (f"; there are: {', '.join(names)}" if names else "")


def first_line(error: BaseException) -> str:
    """The first line of a foreign error."""
    return printable((str(error).strip() or type(error).__name__).splitlines()[0])


def said(error: BaseException) -> str:
    """A foreign error's type and what it says, on one line, whatever its own text does."""
    try:
        text = printable(error)
    except Exception:  # a foreign error's own __str__ raises anything
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def printable(text: object) -> str:
    """A foreign text on one line, without the codes that colour a terminal, clear it or turn its writing."""
    line = " ".join(_ESCAPES.sub("", str(text)).split())
    return "".join(letter for letter in line if letter.isprintable())


_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)?")  # ECMA-48, section 5.4
