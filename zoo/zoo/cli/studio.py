"""The command that serves the studio."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from zoo_registry import ZooError, catalogue

from .looking import Device


def studio(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL...]", help="Folders, runs, Hub ids, beside those that come with the zoo."
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Where it is served: this machine alone, or 0.0.0.0, which lets others in.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The first free one from 7860 when left out.")
    ] = None,
    device: Device = None,
) -> None:
    """Serve a page: generate images of captions, swap words, interpolate, restyle images, compare two models.

    Example: zoo studio runs/birds ada/flowers
    """
    from ..studio import serve

    serve([*(models or ()), *_shipped()], host=host, port=port, device=device)


def _shipped() -> Iterator[str]:
    """The models that come with the zoo and can generate."""
    from ..files.model import Model
    from ..models.folder import check_generates
    from ..models.locate import locate

    for name in catalogue().pretrained_names():
        try:
            check_generates(Model(locate(name)).recipe(name), name)
        except ZooError as error:
            print(f"left out: {error}", file=sys.stderr)
        else:
            yield name
