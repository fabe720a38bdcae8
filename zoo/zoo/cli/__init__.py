"""The command line, `zoo`. Importing it imports no torch; a command imports what it needs."""

from __future__ import annotations

import os
import sys
import traceback
import warnings

import typer

from zoo_registry import ZooError, catalogue

from . import data, evaluating, exporting, figures, looking, making, plugins, reporting, sharing, studio

app = typer.Typer(
    name="zoo",
    help="A model zoo of text-to-image GANs: mix parts, train on your own pictures, type a sentence.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
looking.add(app)
making.add(app)
evaluating.add(app)
reporting.add(app)
figures.add(app)
sharing.add(app)
exporting.add(app)
plugins.add(app)
studio.add(app)
app.add_typer(data.app, name="data")


@app.callback()
def options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """Global options, before the command's name."""


def main() -> None:
    """Run the command line: status 0, 1 for a check that found problems, 2 for a mistake of the user's."""
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # read when huggingface_hub is imported
    debug = "--debug" in sys.argv[1:]
    sys.argv[1:] = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        catalogue().manager.hook.zoo_commands(app=app)
        app()
    except ZooError as error:
        if debug:
            traceback.print_exc()
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # `zoo list | head`
        sys.stderr.close()
        sys.exit(1)
