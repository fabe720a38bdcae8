"""The page of commands, from the command line itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from zoo.cli import app

from .text import prose, table

_HEAD = """# Commands

What `zoo COMMAND --help` says. Exit status 0; 1 for a check that found problems; 2 for a mistake of the
user's, reported in lines without a traceback (`zoo --debug COMMAND` shows it). `zoo --install-completion`
makes the shell complete commands and options.
"""


def commands() -> dict[str, Any]:
    """Every command by what is typed after `zoo`; those of a group with the group's name before."""
    return dict(_walk("", get_command(app)))


def _walk(prefix: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from _walk(f"{prefix}{name} ", command)
        else:
            yield f"{prefix}{name}", command


def page() -> str:
    """The page: a section a command."""
    return "\n".join([_HEAD, *(_section(name, command) for name, command in commands().items())])


def _section(name: str, command: Any) -> str:
    descriptions, examples = [], []
    for paragraph in (command.help or "").split("\n\n"):
        text = " ".join(paragraph.split())
        if text.startswith("Example: "):
            examples.append(text.removeprefix("Example: "))
        else:
            descriptions.append(prose(text))
    rows = [
        (
            " ".join(f"`{word}`" for word in _words(parameter)),
            prose(getattr(parameter, "help", None) or ""),
            "required" if parameter.required else _default(parameter),
        )
        for parameter in command.params
        if parameter.name != "help"
    ]
    parts = [f"## `zoo {name}` {{ #{name.replace(' ', '-')} }}", "\n\n".join(descriptions)]
    parts.append("```sh\n" + "\n".join(examples) + "\n```")
    parts.append(table(("argument or option", "what it does", "default"), rows))
    return "\n\n".join(part for part in parts if part) + "\n"


def _words(parameter: Any) -> list[str]:
    if parameter.param_type_name == "argument":
        return [parameter.metavar or parameter.name.upper()]
    value = parameter.metavar if parameter.metavar and not parameter.is_flag else None
    return [f"{option} {value}" if value else option for option in parameter.opts]


def _default(parameter: Any) -> str:
    default = parameter.default
    if default is None or callable(default) or getattr(parameter, "is_flag", False):
        return ""
    return f"`{default}`"
