"""The studio as a web application: Gradio's API with its queue, and a page of our own that calls it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from . import UPLOAD, WAITING
from .endpoints import Endpoints
from .kept_files import KeptFiles
from .request_filter import RequestFilter
from .served_models import StudioModels

GENERATING: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "generate"}
"""Two requests generate at the same time; others wait."""
DESCRIBING: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "describe"}
"""What generates no images does not wait for what does."""
_PAGE = Path(str(files("zoo.studio") / "page"))
_WEB_PAGE = Path(str(files("zoo.export.web") / "page"))
"""The page of `zoo export --format web`, whose style and modules the studio shares."""


class Studio:
    """The endpoints, the page, and the filter before them.

    folder: of uploads and of what was generated; GRADIO_TEMP_DIR has to name it to Gradio.
    """

    def __init__(self, models: StudioModels, folder: Path) -> None:
        self.files = KeptFiles(folder)
        self.models = models
        self.endpoints = do = Endpoints(models, self.files)
        with gr.Blocks(title="zoo studio", analytics_enabled=False) as self.blocks:
            for describe in (do.about, do.gallery, do.unknown):
                api(describe, api_name=describe.__name__, **DESCRIBING)
            for generate in (do.generate, do.attention, do.between, do.swap, do.restyle, do.compare):
                api(generate, api_name=generate.__name__, **GENERATING)
        self.blocks.queue(max_size=WAITING, api_open=False)

    @property
    def app_settings(self) -> dict[str, Any]:
        """The keyword arguments of the Starlette application that Gradio makes."""
        functions = {str(fn.api_name): (number, len(fn.inputs)) for number, fn in self.blocks.fns.items()}
        return {
            "middleware": [Middleware(RequestFilter, files=self.files, functions=functions, upload=UPLOAD)],
            "routes": [
                Route("/", self._page, methods=["GET", "HEAD"]),
                Route("/models.json", self._names),
                Mount("/studio", StaticFiles(directory=_PAGE)),
                Mount("/page", StaticFiles(directory=_WEB_PAGE)),
            ],
        }

    def sweep(self) -> None:
        """Forget what Gradio keeps for ever of clients that left without their answers.

        Gradio has no public way to do so: it is its private queue that holds their sessions.
        """
        queue = self.blocks._queue
        for session in list(queue.pending_event_ids_session):
            if session not in queue.pending_messages_per_session:
                queue.pending_event_ids_session.pop(session, None)
        uploads = self.blocks.upload_file_set
        uploads.difference_update([path for path in tuple(uploads) if not Path(path).exists()])

    def _page(self, request: Request) -> HTMLResponse:
        return HTMLResponse((_PAGE / "index.html").read_text(encoding="utf-8"))

    def _names(self, request: Request) -> JSONResponse:
        return JSONResponse({"models": list(self.models.names)})
