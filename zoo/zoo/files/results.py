"""results.json: what `zoo eval` measured, beside a run or a model. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from zoo_registry import ZooError
from zoo_registry.contracts import Better, Score

from .atomic import write_json
from .formats import read_format

RESULTS = "results.json"


class Source(BaseModel, frozen=True):
    """What was measured on."""

    source: str
    fingerprint: str


class Result(BaseModel):
    """What one protocol found. `identity` names it along with everything that was changed about it."""

    protocol: str
    version: int = 1
    identity: str
    metric: str
    better: Better
    definition: dict[str, Any]
    scores: dict[str, Score]
    seconds: float | None = None
    made_with: dict[str, Any] = {}
    data: Source
    images: dict[str, str] = {}  # names of files beside the results, by what they show

    @property
    def scaled(self) -> bool:
        """Whether something is known to hold the values against."""
        return any(score.chance is not None or score.real is not None for score in self.scores.values())


class Results(BaseModel):
    """All results of a model."""

    zoo: Literal[1] = 1
    model: str
    weights: str  # which the results are of
    results: list[Result] = []

    @property
    def better(self) -> dict[str, Better]:
        """Of each protocol's identity, which values are the better ones."""
        return {result.identity: result.better for result in self.results}

    def find(self, weights: str, identity: str, data: Source) -> Result | None:
        """The result of some weights by a protocol on data, where there is one."""
        same = [r for r in self.results if (self.weights, r.identity, r.data) == (weights, identity, data)]
        return same[0] if same else None


def read_results(path: Path) -> Results:
    """A file of results. Raises `ZooError` where it is none."""
    if not path.is_file():
        raise ZooError(
            f"{path} is not there: nothing has been measured; zoo eval MODEL --data SRC --metrics …"
        )
    return read_format(path, Results)


def write_results(path: Path, results: Results) -> None:
    """Write a file of results, replacing an old one in one step."""
    write_json(path, results.model_dump(mode="json"))  # null is a value in a definition
