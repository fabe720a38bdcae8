"""The studio: a page for sampling from trained models. Needs the extra `studio`; `zoo studio` opens it."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from zoo_registry import ZooError
from zoo_registry.errors import first_line

UPLOAD = 5_000_000
"""Bytes of the largest image that a client may send."""
WAITING = 32
"""Requests that wait in the queue; more are turned away."""
ENDING = 10.0
"""Seconds that what is being generated is waited for at the end; its files are written until then."""
SWEEP = 60.0
"""Seconds after which notes on clients that left are looked through."""
SESSIONS = 256
"""Clients that Gradio keeps a state of."""


def need_gradio() -> None:
    """Raise `ZooError` where the extra `studio` is not installed."""
    if find_spec("gradio") is None:
        raise ZooError("gradio is not installed: pip install 't2i-zoo[studio]'")


def serve(
    models: Sequence[str], *, host: str | None = None, port: int | None = None, device: str | None = None
) -> None:
    """Serve the studio until SIGINT or SIGTERM; then remove its files and end the process.

    Call it from the main thread, which alone handles signals. models: folders, runs, shipped names, or Hub
    ids. Nothing but these is ever loaded, whatever a client sends. host, port: None: as GRADIO_SERVER_NAME
    and GRADIO_SERVER_PORT say, else this machine alone, at the first free port from 7860. device: None: the
    best there is. Raises `ZooError` where Gradio is missing, for no model, for a name that is none, for a
    device that is not here, and where the port is taken.
    """
    need_gradio()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(
        prefix="zoo-studio-", dir=_folder_of_gradio(), ignore_cleanup_errors=True
    ) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder  # where Gradio puts uploads
        _serve(models, Path(folder), stop, host, port, device)
    sys.stdout.flush()
    os._exit(0)  # the end of the interpreter takes seconds and aborts where a thread still computes


def _folder_of_gradio() -> str | None:
    """Where the user wants Gradio's files, if anywhere."""
    wanted = os.environ.get("GRADIO_TEMP_DIR")
    if wanted is not None:
        Path(wanted).mkdir(parents=True, exist_ok=True)
    return wanted


def _serve(
    models: Sequence[str],
    folder: Path,
    stop: threading.Event,
    host: str | None,
    port: int | None,
    device: str | None,
) -> None:
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")  # else it keeps each event, and sums them up
    from .application import Studio
    from .served_models import StudioModels

    studio = Studio(StudioModels(models, device=device), folder)
    blocks = studio.blocks
    try:
        blocks.launch(
            server_name=host,
            server_port=port,
            share=False,
            max_file_size=UPLOAD,
            state_session_capacity=SESSIONS,
            ssr_mode=False,
            quiet=True,
            prevent_thread_lock=True,
            app_kwargs=studio.app_settings,
        )
    except OSError as error:
        where = "" if port is None else f" on port {port}"
        raise ZooError(f"the studio cannot be served{where}: {first_line(error)}") from None
    print(f"the studio: {blocks.local_url}  (Ctrl-C ends it)", flush=True)
    while not stop.wait(SWEEP):
        studio.sweep()
    blocks.close(verbose=False)
    studio.endpoints.running.end(ENDING)
