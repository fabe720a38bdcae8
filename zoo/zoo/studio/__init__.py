"""The studio: a page for sampling from trained models. Needs the extra `studio`; `zoo studio` opens it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from zoo_registry import ZooError
from zoo_registry.errors import first_line

if TYPE_CHECKING:
    from gradio import Blocks

UPLOAD = "5mb"
"""The largest image that a client may send."""
WAITING = 32
"""Requests that wait in the queue; more are turned away."""


def need_gradio() -> None:
    """Raise `ZooError` where the extra `studio` is not installed."""
    if find_spec("gradio") is None:
        raise ZooError("gradio is not installed: pip install 't2i-zoo[studio]'")


def studio(models: Sequence[str], *, device: str | None = None) -> Blocks:
    """The page of some models, to be launched or mounted.

    models: folders, runs, shipped names, or Hub ids. Nothing but these is ever loaded, whatever a client
    sends. Raises `ZooError` where Gradio is missing, for no model, and for a name that is none.
    """
    need_gradio()
    from .page import page
    from .served_models import StudioModels

    return page(StudioModels(models, device=device))


def serve(models: Sequence[str], *, host: str | None = None, port: int | None = None) -> None:
    """Serve the page until it is interrupted.

    host, port: None: as GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say, else this machine alone, at the first
    free port from 7860. Raises `ZooError` where `studio` does, and where the port is taken.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    blocks = studio(models)
    from gradio.themes import Default

    blocks.queue(max_size=WAITING)
    try:
        blocks.launch(
            server_name=host,
            server_port=port,
            share=False,
            max_file_size=UPLOAD,
            footer_links=["api"],
            ssr_mode=False,
            theme=Default(primary_hue="violet"),
            css_paths=Path(__file__).with_name("studio.css"),
            quiet=True,
            prevent_thread_lock=True,
        )
        print(f"the studio: {blocks.local_url}  (Ctrl-C ends it)", flush=True)
        blocks.block_thread()
    except OSError as error:
        where = "" if port is None else f" on port {port}"
        raise ZooError(f"the studio cannot be served{where}: {first_line(error)}") from None
