"""Evaluation: the metrics of a pipeline on a data set, by protocols, into a results' file."""

from __future__ import annotations

import hashlib
import math
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from textwrap import indent
from typing import Any

from zoo_registry import ZooError, catalogue
from zoo_registry.contracts import Dataset, Measured
from zoo_registry.text import expanded

from ..data.cache import cache_folder
from ..data.source import open_dataset
from ..environment import made_with
from ..files.results import Result, Source, read_results
from ..models.locate import locate
from ..models.results import add_result, found_before, place_of, weights_key
from ..pipeline import Pipeline
from .extractors import chosen, extractors_of
from .protocols import Asked, asked
from .study import Bench, PipelineStudy

BATCH_SIZE = 50


def evaluate(
    model: str | Path,
    data: str,
    metrics: Sequence[str],
    *,
    changes: Iterable[str] = (),
    images: int | None = None,
    allow_small: bool = False,
    out: str | Path | None = None,
    batch_size: int = BATCH_SIZE,
    device: str | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Measure a pipeline by some protocols; what its results' file then holds.

    model: a model's folder, a run's, or a Hub id. data: a source, as for training.
    metrics: names of protocols, or of metrics, which stand for their first protocol.
    changes: values of protocols and settings of metrics, as "NAME.seed=1": another protocol.
    images: how many images each generates; fewer than a protocol asks for only with `allow_small`.
    out: the results' file; None: results.json in the run, or in the model's folder; of a model on the Hub
        org-name.results.json here.
    What was measured before with the same weights, protocol and data is not measured again; an evaluation
    that was stopped goes on. What each protocol needs is looked for before anything is generated.
    Raises `ZooError` for everything that a user can fix; where only some protocols lack something or fail,
    `NotMeasuredError` after the others have been measured.
    """
    protocols = asked(metrics, changes, images, allow_small=allow_small)
    if not protocols:
        raise ZooError("no metric is named; zoo list protocol shows what can be measured")
    path = place_of(model) if out is None else Path(out)
    folder = locate(model)
    pipe = Pipeline.from_pretrained(model, device=device)
    dataset = open_for(protocols, data, pipe.resolution)
    writable(path)
    weights = weights_key(folder)
    bench = Bench(
        pipe,
        dataset,
        data,
        model=expanded(model),
        key=weights,
        folder=cache_folder() / "generated",
        batch_size=batch_size,
        quiet=quiet,
    )
    source = Source(source=data, fingerprint=fingerprint(dataset))
    failed: dict[str, ZooError] = {}
    to_measure: list[tuple[Asked, str, PipelineStudy]] = []
    for protocol in protocols:
        try:
            identity = protocol.identity(pipe.resolution, named(protocol, bench))
            if found_before(path, weights, identity, source) is None:
                to_measure.append((protocol, identity, study_of(protocol, bench)))
        except ZooError as error:
            failed[protocol.protocol.name] = error
    if failed and not quiet and len(failed) < len(protocols):
        names = (protocol.protocol.name for protocol in protocols)
        rest = ", ".join(name for name in names if name not in failed)
        print(f"not measured:\n{_reasons(failed)}\nmeasuring {rest}", file=sys.stderr)
    for protocol, identity, study in to_measure:
        try:
            result, measured = measure(protocol, study, identity, source)
        except ZooError as error:
            failed[protocol.protocol.name] = error
            continue
        result.images = _written(path, protocol.protocol.name, measured)
        add_result(path, str(model), weights, result)
    bench.clear()
    if failed and len(protocols) == 1:
        raise next(iter(failed.values()))
    if failed:
        raise NotMeasuredError(path, failed)
    return read_results(path).model_dump(mode="json")


class NotMeasuredError(ZooError):
    """Some protocols could not be measured; the results of the others are in the file `path`."""

    def __init__(self, path: Path, failed: Mapping[str, ZooError]) -> None:
        self.path = path
        kept = f"; what was measured is kept in {path}" if path.is_file() else ""
        count = "1 protocol" if len(failed) == 1 else f"{len(failed)} protocols"
        super().__init__(f"{count} could not be measured{kept}\n{_reasons(failed)}")


def _reasons(failed: Mapping[str, ZooError]) -> str:
    """What was not measured and why: protocols that lack the same share a paragraph."""
    lacking: dict[str, list[str]] = {}
    for name, error in failed.items():
        lacking.setdefault(str(error).removeprefix(f"{name}: "), []).append(name)
    return "\n".join(indent(f"{', '.join(names)}: {reason}", "    ")[2:] for reason, names in lacking.items())


def study_of(protocol: Asked, bench: Bench) -> PipelineStudy:
    """The study of a protocol. Raises `ZooError` for all that is lacking, before anything is generated."""
    study = PipelineStudy(bench, protocol.protocol)
    protocol.metric.check(study)
    for value in extractors_of(protocol.protocol.metric, protocol.protocol.settings).values():
        bench.extractor(value, study.resolution, protocol.protocol.name)
    return study


def measure(protocol: Asked, study: PipelineStudy, identity: str, data: Source) -> tuple[Result, Measured]:
    """One result without its images, and what the metric gave."""
    begin = time.monotonic()
    metric = protocol.metric
    measured = metric.measure(study)
    for name, score in measured.scores.items():
        if not math.isfinite(score.value):
            raise ZooError(f"{identity}: {name} is {score.value}: the generated images give no finite number")
    result = Result(
        protocol=protocol.protocol.name,
        version=protocol.protocol.version,
        identity=identity,
        metric=protocol.protocol.metric,
        better=metric.better,
        definition=protocol.definition(),
        scores=dict(measured.scores),
        seconds=round(time.monotonic() - begin, 1),
        made_with=made_with(study.recipe),
        data=data,
    )
    return result, measured


def open_for(protocols: Sequence[Asked], data: str, resolution: int) -> Dataset:
    """The data set at the largest resolution that the protocols compare."""
    largest = max((a.protocol.resize or resolution) * a.protocol.crop for a in protocols)
    dataset = open_dataset(data, catalogue(), resolution=math.ceil(largest))
    problems = dataset.problems()
    if problems:
        raise ZooError(
            f"{data} has {len(problems)} problem{'s' if len(problems) > 1 else ''}, the first: "
            f"{problems[0].file}: {problems[0].what}\nsee them all with: zoo data check {data}"
        )
    return dataset


def writable(path: Path) -> None:
    """Refuse a place where no file can be written, before hours are spent."""
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):  # root may write by its permissions where no file can be
            pass
        if path.exists():
            path.open("ab").close()
    except OSError as error:
        why = error.strerror
        raise ZooError(f"{path} cannot be written ({why}); --out FILE names another place") from None
    if path.is_file():
        read_results(path)


def fingerprint(dataset: Dataset) -> str:
    """What identifies a data set, without decoding its images."""
    known = dataset.fingerprint()
    digest = hashlib.blake2b(digest_size=8)
    for split in dataset.splits():
        for record in dataset.records(split):
            size = record.image.stat().st_size if isinstance(record.image, Path) else known
            digest.update(repr((split, record.name, size, record.captions, record.label)).encode())
    return digest.hexdigest()


def named(protocol: Asked, bench: Bench) -> dict[str, str]:
    """Of settings whose extractor is in a file or folder: what it is called in the protocol's identity."""
    names = {}
    asked, resolution = protocol.protocol, protocol.protocol.resize or bench.pipe.resolution
    for key, value in extractors_of(asked.metric, asked.settings).items():
        settings = chosen(value, key).settings.model_dump().values()
        # a folder, a file, or NAME=FILE
        paths = [path for s in settings if isinstance(s, str) for path in (s, s.partition("=")[2]) if path]
        if any(expanded(path).exists() for path in paths):
            names[key] = bench.extractor(value, resolution, asked.name).id
    return names


def _written(path: Path, protocol: str, measured: Measured) -> dict[str, str]:
    """Write a metric's images beside the results; their files' names."""
    names = {}
    for name, image in measured.images.items():
        file = path.with_name(f"{path.stem}-{protocol}-{name}.png")
        image.save(file)
        names[name] = file.name
    return names
