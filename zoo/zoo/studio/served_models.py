"""The models of the page: by name, loaded when they are first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from zoo_registry import ZooError

from ..models.card import Facts
from ..models.folder import check_generates, read_config
from ..models.hub import HubId
from ..models.locate import locate
from ..pipeline import Pipeline, load


class StudioModels:
    """Pipelines by the names they were given on start; no others.

    Raises `ZooError` for a model that cannot generate, and where there is none at all. Models on
    the Hub are fetched when they are first asked for.
    """

    def __init__(self, models: Sequence[str], *, device: str | None = None) -> None:
        self.names = tuple(dict.fromkeys(models))
        self.device = device
        self._pipes: dict[str, Pipeline] = {}
        self._captions: dict[str, tuple[str, ...]] = {}
        self._lock = Lock()  # two clients at once load a model once
        if not self.names:
            raise ZooError("no model to show: zoo studio MODEL…, a run's folder, a model's, or a Hub id")
        for name in self.names:
            if HubId.of_model(name) is None:
                check_generates(read_config(locate(name), name)[0], name)

    def __getitem__(self, name: str) -> Pipeline:
        """Raises `ZooError` for a name that is not here, and for a model that cannot be loaded."""
        if name not in self.names:
            raise ZooError(f"{name!r} is not available here; there are: {', '.join(self.names)}")
        with self._lock:
            if name not in self._pipes:
                self._pipes[name] = load(name, device=self.device)
            return self._pipes[name]

    def captions(self, name: str) -> tuple[str, ...]:
        """Captions of its data that a model was shown with; none of one on the Hub before it is fetched."""
        if HubId.of_model(name) is not None and name not in self._pipes:
            return ()
        if name not in self._captions:
            self._captions[name] = Facts.of(locate(name), "").captions
        return self._captions[name]
