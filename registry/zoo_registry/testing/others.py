"""Data sets, metrics, protocols and importers."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from ..component import Component
from ..contracts import Dataset, DataSource
from ..contracts.evaluation import EvaluationProtocol, Measured, Metric
from ..errors import ZooError
from ..registry import catalogue
from ..schema import fill, schema_of
from .shared import build
from .study import MadeUpStudy


def dataset(component: Component, settings: Mapping[str, Any]) -> None:
    """A procedural data set depends on its source alone; a reader reads a small folder, `folder`."""
    made = component.load()
    if made.folder_layout:
        assert set(settings) == {"folder"}, (
            "a reader is checked on a small folder of its layout: check_component(PART, folder=…)"
        )
        _reader(made, Path(settings["folder"]))
        return
    first, second = (made(DataSource("40", resolution=32), **settings) for _ in range(2))
    assert first.fingerprint() == second.fingerprint(), (
        "a procedural data set has the same fingerprint for the same source"
    )
    for record, twin in _records(first, second):
        assert record.captions, "every image has captions"
        image = record.image()
        assert not isinstance(image, bytes), "images of a procedural set are generated"
        assert image.mode == "RGB", "images are RGB"
        assert image.tobytes() == twin.image().tobytes(), "images are the same for the same source"


def _reader(reader: Any, folder: Path) -> None:
    from PIL import Image

    with tempfile.TemporaryDirectory() as empty:
        assert not reader.recognises(Path(empty)), "an empty folder is not recognised"
    assert reader.recognises(folder), "a folder of its layout is recognised"
    first, second = (reader(DataSource(str(folder))) for _ in range(2))
    assert first.fingerprint() == second.fingerprint(), "the same folder has the same fingerprint"
    for record, _ in _records(first, second):
        if isinstance(record.image, Path):
            with Image.open(record.image) as image:
                image.load()
            continue
        assert first.fingerprint(), "images that are no files have a fingerprint"
        opened = record.image()
        if isinstance(opened, bytes):
            opened = Image.open(BytesIO(opened))
        opened.load()
    for problem in first.problems():
        assert problem.what, "a problem says what is wrong"
        assert str(folder) not in problem.file, "a problem's file is a path below the folder"


def _records(first: Dataset, second: Dataset) -> Iterator[tuple[Any, Any]]:
    """A few records of each split, twice."""
    assert "train" in first.splits(), "there is a split called train"
    for split in first.splits():
        records, twins = first.records(split), second.records(split)
        assert records, f"the split {split} has images"
        assert len({record.name for record in records}) == len(records), "names are unique"
        for record, twin in zip(records[:3], twins[:3], strict=True):
            assert (record.name, record.captions, record.label) == (twin.name, twin.captions, twin.label), (
                "records are the same for the same source"
            )
            assert all(caption.strip() for caption in record.captions), "no caption is empty"
            yield record, twin


def metric(component: Component, settings: Mapping[str, Any]) -> None:
    """Finite scores in their intervals, the same for the same study."""
    metric = build(component, settings)
    assert isinstance(metric, Metric), "a metric has `measure`"
    assert metric.better in ("higher", "lower", None), "it says which is better, higher or lower, or neither"
    assert not schema_of(component).wires, "a metric is built without wires"
    metric.check(MadeUpStudy(component.name))
    first, second = (metric.measure(MadeUpStudy(component.name)) for _ in range(2))
    assert isinstance(first, Measured), "`measure` gives a `Measured`"
    assert first.scores, "it gives at least one score"
    for name, score in first.scores.items():
        assert math.isfinite(score.value), f"{name} is finite"
        assert score.count > 0, f"{name} says what it is taken over"
        low, high = score.interval or (score.value, score.value)
        assert low <= score.value <= high, f"{name} lies in its interval"
    assert first.scores == second.scores, "the same study gives the same scores"


def protocol(component: Component, settings: Mapping[str, Any]) -> None:
    """A metric that is installed, with settings that it has."""
    protocol = component.load()
    assert isinstance(protocol, EvaluationProtocol), "its target is an EvaluationProtocol"
    assert protocol.name == component.name, "it has the name that it is listed by"
    metric = catalogue().get("metric", protocol.metric)
    filled, problems = fill(schema_of(metric).settings, protocol.settings, component.name)
    assert filled is not None, "; ".join(problems)


def importer(component: Component, settings: Mapping[str, Any]) -> None:
    """Parts of a pipeline; tensors of unknown names are refused."""
    import torch

    from ..recipe import SINGLE

    importer = build(component, settings)
    assert importer.parts, "an importer converts at least one part"
    for part in importer.parts:
        assert part in SINGLE, f"{part!r} is no part of a pipeline; those are {', '.join(SINGLE)}"
    assert importer.recipe, "it names the recipe that an imported model's parts are put into"
    other = {"a name of no system": torch.zeros(1)}
    for part in importer.parts:
        try:
            importer.convert(part, other)
        except ZooError:
            continue
        raise AssertionError(f"{part}: tensors of unknown names are converted; a ZooError tells of them")
