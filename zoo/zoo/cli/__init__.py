"""The command line, `zoo`. Importing it imports no torch; a command imports what it needs."""

from __future__ import annotations

import errno
import gc
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from zoo_registry import ZooError, catalogue
from zoo_registry.errors import PluginWarning, nearest, printable, said

from . import streams

COMMANDS = {
    "list": "looking.list_",
    "show": "showing.show",
    "check": "looking.check",
    "lock": "looking.lock",
    "doctor": "looking.doctor",
    "train": "training.train",
    "sample": "generating.sample",
    "import": "importing.import_",
    "eval": "evaluating.eval_",
    "report": "reporting.report",
    "interpolate": "generating.interpolate",
    "restyle": "generating.restyle",
    "push": "sharing.push",
    "pull": "sharing.pull",
    "card": "sharing.card",
    "export": "exporting.export",
    "plugins": "plugins.plugins",
    "new-plugin": "plugins.new_plugin",
    "studio": "studio.studio",
    "data": "data.app",
    "cache": "cache.app",
}
"""Our own commands and where they are, in the order of the help."""
ELSEWHERE = {
    "convert": "import",
    "download": "pull",
    "evaluate": "eval",
    "fit": "train",
    "generate": "sample",
    "serve": "studio",
    "upload": "push",
    "version": "--version",
}
"""What other programs call a command, and what it is here."""


class _Commands(Mapping[str, Any]):
    """Commands by name: ours, read when asked for, then those that plugins add; a plugin's replaces ours."""

    def __init__(self, added: Mapping[str, Any]) -> None:
        self._read = dict(added)
        self._names = tuple(dict.fromkeys((*COMMANDS, *added)))

    def __getitem__(self, name: str) -> Any:
        if name not in self._read:
            self._read[name] = _command(name)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _command(name: str) -> Any:
    """One of our commands, of typer's kind."""
    module, _, attribute = COMMANDS[name].partition(".")
    found = getattr(import_module(f".{module}", __name__), attribute)
    if not isinstance(found, typer.Typer):
        function = found
        found = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        found.command(name)(function)
    return get_command(found)


class _Group(TyperGroup):
    """`zoo`: of our commands it reads only the one it was asked for."""

    def __init__(self, *, commands: Mapping[str, Any], **settings: Any) -> None:
        super().__init__(commands=_Commands(commands), **settings)  # type: ignore[arg-type]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is asked for. Raises `ZooError` with what it may be called here."""
        name = args[0]
        if not name.startswith("-") and name not in self.commands:
            here = ELSEWHERE.get(name)
            raise ZooError(
                f"there is no command {name!r}"
                + (f"; did you mean 'zoo {here}'?" if here else nearest(name, self.commands))
            )
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="zoo",
    cls=_Group,
    help="A model zoo of text-to-image GANs: mix parts, train on your own images, type a sentence.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"zoo {version('t2i-zoo')}")
        raise typer.Exit


@app.callback()
def options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=_print_version, is_eager=True
    ),
) -> None:
    """Global options, before the command's name."""


def _add_commands() -> None:
    """Add the commands of each plugin whose commands can be made."""
    for plugin in catalogue().plugins:
        added = typer.Typer(add_completion=False)
        catalogue().call(plugin, "zoo_commands", app=added)
        if plugin.error is None and (added.registered_commands or added.registered_groups):
            try:
                get_command(added)
            except Exception as error:  # typer and click read a plugin's functions, which may be anything
                message = f"plugin {plugin.name!r} of {plugin}: zoo_commands: {said(error)}"
                warnings.warn(message, PluginWarning, stacklevel=1)
                continue
            app.registered_commands += added.registered_commands
            app.registered_groups += added.registered_groups


def main() -> None:
    """Run the command line: status 0, 1 for a check that found problems, 2 for a mistake of the user's."""
    streams.prepare()
    gc.freeze()  # what the imports made stays: no collection need walk it, nor the end of the process
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # read when huggingface_hub is imported
    debug = "--debug" in sys.argv[1:]
    sys.argv[1:] = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        _add_commands()
        try:
            app()
        finally:
            sys.stdout.flush()  # where it cannot be written, not as Python ends
    except BrokenPipeError:  # `zoo list | head`
        streams.end()
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        message = _message(error)
        if message is None:  # a bug of ours, with its traceback
            raise
        if debug:
            traceback.print_exc()
        print(f"error: {message}", file=sys.stderr)
        streams.end()
        sys.exit(2)


def _message(error: Exception) -> str | None:
    """The line for a user's mistake, a plugin's error, a file that is named; None for a fault of our own."""
    if isinstance(error, ZooError):
        return str(error)
    plugin = catalogue().raised_by(error)
    if plugin is not None:
        return f"plugin {plugin.name!r} of {plugin}: {said(error)}; --debug shows where"
    if isinstance(error, OSError) and error.filename is not None:  # too long a name, a place without rights
        return f"{printable(str(error.filename)[:200])}: {error.strerror}"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EIO):  # of standard output
        return error.strerror
    return None
