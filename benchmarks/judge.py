"""`python -m benchmarks.judge [NAME …] [--resolution 64 …]`: judges, and the metric `attributes` on real
images.

A judge that neither comes with the set nor is in the cache is trained; with --ship it comes with the set from
then on. Controls are real test images of another seed than it was tested on, against their own captions
(nearly all must be read back) and against those of others (chance must be left).
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from zoo.data.cache import cache_folder
from zoo.data.images import MARGIN, ImageSet, images_at
from zoo.data.source import open_dataset
from zoo.evaluation.extractors import BenchSetup, build, chosen
from zoo_plugins.datasets.procedural.dataset import ProceduralDataset
from zoo_plugins.extractors.judge import Judge
from zoo_registry import catalogue
from zoo_registry.contracts import Measured

from .machine import machine

NAMES = ("aviary", "garden", "portraits")
RESULTS = Path(__file__).with_name("judge.json")
CONTROLS = 1_000  # images
SEED = 1
BATCH_SIZE = 50


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for; the other results in the file are kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all where none is")
    parser.add_argument("--resolution", type=int, nargs="+", default=[64], help="of the images, in pixels")
    parser.add_argument("--ship", action="store_true", help="put the judges beside the procedural data sets")
    given = parser.parse_args(arguments)
    for name in given.names or NAMES:
        for resolution in given.resolution:
            result = measure(name, resolution)
            if given.ship:
                ship(name, resolution, result["judge"])
            print(table(name, resolution, result), flush=True)
            found = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
            found[f"{name} {resolution}"] = result
            text = json.dumps(dict(sorted(found.items())), indent=1)
            RESULTS.write_text(text + "\n", "utf-8")


def measure(name: str, resolution: int) -> dict[str, Any]:
    """One judge and its controls."""
    device = torch.device("cpu")
    dataset = open_dataset(name, catalogue(), resolution=math.ceil(resolution * MARGIN))
    judge: Judge = build(chosen("judge", "judge"), BenchSetup(dataset, name, resolution, device))
    own, others = controls(name, resolution, judge)
    return {
        "judge": judge.id,
        "machine": machine(device),
        "seconds": judge.seconds,
        "attributes": {
            attribute: {
                "accuracy": judge.accuracy[attribute],
                "most_frequent": judge.chance[attribute],
                "count": judge.counts[attribute],
                "own_captions": scores(own, attribute),
                "shuffled_captions": scores(others, attribute),
            }
            for attribute in judge.values
        },
        "mean": {"own_captions": scores(own, "mean"), "shuffled_captions": scores(others, "mean")},
    }


def ship(name: str, resolution: int, judge: str) -> None:
    """Copy a judge from the cache to the data set's own, replacing the one at that resolution."""
    for folder in (cache_folder() / "judges").glob("*"):
        if f"judge-{_facts(folder)['sha256'][:16]}" != judge:
            continue
        for old in ProceduralDataset.judges.glob("*"):
            if (_facts(old)["source"], _facts(old)["resolution"]) == (name, resolution):
                shutil.rmtree(old)
        kept = ProceduralDataset.judges / folder.name
        kept.mkdir(parents=True)
        for file in folder.iterdir():
            shutil.copyfile(file, kept / file.name)


def _facts(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / "judge.json").read_text("utf-8"))
    return facts


def scores(measured: Measured, attribute: str) -> dict[str, Any]:
    score = measured.scores[attribute]
    return {"value": score.value, "interval": score.interval, "count": score.count, "chance": score.chance}


def controls(name: str, resolution: int, judge: Judge) -> tuple[Measured, Measured]:
    """The metric on real images in the place of generated ones: as they are, and shuffled."""
    dataset = open_dataset(
        f"{name}:{5 * CONTROLS}", catalogue(), resolution=math.ceil(resolution * MARGIN), seed=SEED
    )
    records = dataset.records("test")
    image_set = ImageSet(records, resolution=resolution, fingerprint=dataset.fingerprint())
    metric = catalogue().get("metric", "attributes").load()()

    def study(order: Sequence[int]) -> Any:
        def batches(kind: str) -> Iterator[Tensor]:
            for at in range(0, len(order), BATCH_SIZE):
                pixels = image_set.batch(order[at : at + BATCH_SIZE], generator=None).pixels
                yield images_at(pixels, [resolution])[0]

        stated = [record.stated[number % len(record.stated)] for number, record in enumerate(records)]
        return SimpleNamespace(
            records=records,
            stated=stated,
            of_split=lambda: records,
            batches=batches,
            attribute_reader=lambda choice: judge,
            recipe=SimpleNamespace(parts={"text_encoder": None}),
        )

    shuffled = torch.randperm(len(records), generator=torch.Generator().manual_seed(SEED)).tolist()
    own: Measured = metric.measure(study(range(len(records))))
    others: Measured = metric.measure(study(shuffled))
    return own, others


def table(name: str, resolution: int, result: dict[str, Any]) -> str:
    """One line an attribute."""
    lines = [f"{name}, {resolution} px: trained in {result['seconds']:.0f} s"]
    for attribute, row in result["attributes"].items():
        own, other = row["own_captions"], row["shuffled_captions"]
        lines.append(
            f"  {attribute:16} {row['accuracy']:.4f} of {row['count']:5}   own {own['value']:.3f}   "
            f"shuffled {other['value']:.3f}, chance {other['chance']:.3f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
