"""Results of evaluations: their file, and tables that compare models.

One table holds one protocol on one data set; numbers of two are never in one.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from zoo_registry import catalogue
from zoo_registry.contracts import Better, Score
from zoo_registry.text import expanded

from ..data.cache import cache_folder
from ..files import sha256
from ..files.model import Model
from ..files.results import RESULTS, Result, Results, Source, read_results, write_results
from ..files.run import Run
from .folder import SAMPLING
from .hub import HubId

_ARROWS: dict[Better, str] = {"higher": " ↑", "lower": " ↓", None: ""}


def place_of(model: str | Path) -> Path:
    """Where the results of a model lie by default: in its run, else in its folder.

    Of a model on the Hub: org-name.results.json in the working directory; of a shipped one NAME.results.json.
    """
    if HubId.of_model(model) is not None or _shipped(model) is not None:
        return Path(re.sub(r"[/@]", "-", str(model)) + f".{RESULTS}")
    return expanded(model) / RESULTS


def measured(model: str | Path) -> Path:
    """Where what was measured of a model lies: where results go, else those that come with a shipped one."""
    place, shipped = place_of(model), _shipped(model)
    return place if shipped is None or place.exists() else shipped / RESULTS


def _shipped(model: str | Path) -> Path | None:
    """The folder of the shipped model that a name stands for; a user's own model or results win over it."""
    folder = expanded(model)
    own = Model(folder).exists() or Model(Run(folder).model).exists() or Run(folder).results.is_file()
    return None if own else catalogue().pretrained(str(model))


def weights_key(folder: Path) -> str:
    """What tells a model's weights from others: those that sampling needs."""
    digest = hashlib.blake2b(digest_size=8)
    for kind in SAMPLING:
        file = Model(folder).part(kind)
        if file.is_file():
            digest.update(f"{kind}:{sha256(file)}".encode())
    return digest.hexdigest()


def add_result(path: Path, model: str, weights: str, result: Result) -> None:
    """Put a result into a model's file, in place of an older one of the same protocol and data.

    Results of other weights are dropped: the model has been trained further. Two evaluations may write at
    once.
    """
    locks = cache_folder() / "locks"  # not beside the results, where its file would stay
    locks.mkdir(parents=True, exist_ok=True)
    name = hashlib.blake2b(str(path.resolve()).encode(), digest_size=16).hexdigest()
    with FileLock(locks / name):
        before = read_results(path) if path.is_file() else None
        kept = before.results if before is not None and before.weights == weights else []
        others = [old for old in kept if (old.identity, old.data) != (result.identity, result.data)]
        write_results(path, Results(model=model, weights=weights, results=[*others, result]))


def found_before(path: Path, weights: str, identity: str, data: Source) -> Result | None:
    """The result of the same protocol, data and weights, where there is one."""
    return read_results(path).find(weights, identity, data) if path.is_file() else None


class Table(NamedTuple):
    """A title, the head and the rows: text, a cell a column."""

    title: str
    head: list[str]
    rows: list[list[str]]


def compared(models: Mapping[str, Results]) -> list[Table]:
    """Models by name against scores, in a table a protocol and data set.

    Data that have changed since under the same name make tables of their own.
    Beside the models what real images and chance get, where it is the same for all, else in the cells.
    """
    groups: dict[tuple[str, str, str], dict[str, Result]] = {}
    for name, results in models.items():
        for result in results.results:
            data = result.data
            groups.setdefault((result.identity, data.source, data.fingerprint), {})[name] = result
    titles = Counter((identity, source) for identity, source, _ in groups)
    return [
        _compared(
            f"{identity} on {source}" + (f", content {fingerprint}" if titles[identity, source] > 1 else ""),
            found,
        )
        for (identity, source, fingerprint), found in groups.items()
    ]


def _compared(title: str, found: Mapping[str, Result]) -> Table:
    scores = {name: result.scores for name, result in found.items()}
    columns = list(dict.fromkeys(key for own in scores.values() for key in own))
    shared: dict[str, list[str]] = {}
    for beside in ("real", "chance"):
        known = [{getattr(own[key], beside) for own in scores.values() if key in own} for key in columns]
        values = [each.pop() if len(each) == 1 else None for each in known]
        if any(value is not None for value in values):
            shared[beside] = ["" if value is None else number(value) for value in values]
    rows = [
        [name, *(formatted(own[key], but=shared) if key in own else "" for key in columns)]
        for name, own in scores.items()
    ]
    better = next(iter(found.values())).better  # alike: they are of one protocol
    head = ["model", *(f"{key}{_ARROWS[better]}" for key in columns)]
    rows += [[name, *cells] for name, cells in shared.items()]
    if len(columns) > len(rows):  # models side by side, which a terminal has room for
        head, *rows = [list(column) for column in zip(["score", *head[1:]], *rows, strict=True)]
    return Table(title, head, rows)


def by_score(results: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    """A table of one model's results: its head, and a row a score; of several data sets, each is named."""
    rows = []
    several = len({result.data.source for result in results}) > 1
    for result in results:
        title = f"{result.identity} on {result.data.source}" if several else result.identity
        for name, score in result.scores.items():
            low_high = "" if score.interval is None else " to ".join(map(number, score.interval))
            beside = ["" if v is None else number(v) for v in (score.real, score.chance)]
            label = f"{name}{_ARROWS[result.better]}"
            rows.append([title, label, number(score.value), low_high, *beside, f"{score.count:,}"])
    return ["protocol", "score", "value", "95 %", "real", "chance", "of"], rows


def formatted(score: Score, but: Container[str] = ()) -> str:
    """A score with half the width of its interval, and what real images and chance get.

    but: "real" or "chance", where that stands elsewhere.
    """
    text = number(score.value)
    if score.interval is not None:
        text += f" ± {(score.interval[1] - score.interval[0]) / 2:.2g}"
    beside = [
        f"{name} {number(value)}"
        for name, value in (("real", score.real), ("chance", score.chance))
        if value is not None and name not in but
    ]
    return text + (f" ({', '.join(beside)})" if beside else "")


def number(value: float) -> str:
    """Three digits that count, without an exponent where the number is of a usual size."""
    return f"{value:.4g}" if abs(value) >= 1e-4 or value == 0 else f"{value:.2e}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("\n", "<br>").replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(head), "|" + "---|" * len(head), *(line(row) for row in rows)])
