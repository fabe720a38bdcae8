"""`python -m benchmarks.lineage DIR`: every small recipe, trained with the same compute and measured.

Compute is the processor time of one thread, start included, which other work on the machine hardly changes;
matching stages are trained before, once for all recipes that build on them, and are not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

import zoo
from zoo.files.run import Run
from zoo_registry import Recipe, catalogue

from .machine import machine, same

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "lineage.json"
PAGE = FOLDER.parent / "docs" / "gallery.md"
IMAGES = FOLDER.parent / "docs" / "images" / "gallery"

SECONDS = 480
"""Of one processor, for each recipe."""

FOREVER = 1_000_000
"""More steps than any recipe takes in that time."""

GROWING = {
    "progan-aviary": 3500,
    "attngan-r1-aviary": 2150,
    "gan-int-cls-r1-garden": 2200,
    "t2f-portraits": 3200,
    "t2f-r1-portraits": 2100,
    "zoo-best": 2000,
}
"""Steps that take about that time: growth has to know its end."""


@dataclass(frozen=True)
class Entry:
    """A recipe on a data set."""

    recipe: str
    data: str
    changes: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The name of its run's folder: the recipe's, and that of the data."""
        name, _, argument = self.data.partition(":")
        return f"{self.recipe}@{Path(argument).name if '/' in argument else name}"


AVIARY = (
    "attngan-aviary",
    "attngan1-aviary",
    "attndcgan-aviary",
    "attngan-plus-aviary",
    "dm-gan-aviary",
    "df-gan-aviary",
    "stackgan2-aviary",
    "progan-aviary",
    "attngan-r1-aviary",
    "zoo-best",
)
GARDEN = ("gan-cls-garden", "gan-int-garden", "gan-int-cls-garden", "gan-int-cls-r1-garden")
PORTRAITS = ("t2f-portraits", "t2f-r1-portraits")
OWN_IMAGES = ("attngan-aviary", "stackgan2-aviary", "gan-int-cls-garden")
"""Those also trained on a folder of images."""

MATCHER = "damsm-aviary"
"""Trained once more on each data set, from another seed: what judges R-precision and has trained nothing."""


def entries(images: str | None) -> list[Entry]:
    """All recipes, each on its data set."""
    found = [Entry(name, "aviary:6000") for name in AVIARY]
    found += [Entry(name, "garden:6000") for name in GARDEN]
    found += [Entry(name, "portraits:6000") for name in PORTRAITS]
    return found + [Entry(name, images) for name in OWN_IMAGES if images]


def matchers(chosen: Sequence[Entry]) -> list[Entry]:
    """The matching stages that recipes build on, and for each data set one that none builds on."""
    before = {
        Entry(first, entry.data)
        for entry in chosen
        if (first := Recipe.read(entry.recipe, catalogue()).pretrain) is not None
    }
    return sorted(before, key=lambda entry: entry.folder)


def independent(data: str) -> Entry:
    """The matcher of a data set that no recipe builds on."""
    return Entry(MATCHER, data, ("train.seed=7",))


def train(entry: Entry, out: Path, seconds: float | None, extra: Sequence[str] = ()) -> Path:
    """Train an entry for so many processor seconds, or to its recipe's end; nothing where that is done."""
    run = out / entry.folder
    if (run / "spent.json").is_file():
        return run
    command = [sys.executable, "-m", "zoo", "train"]
    if Run(run).exists():
        command += ["--resume", str(run)]
    else:
        command += [entry.recipe, "--data", entry.data, "--out", str(run)]
        command += [part for change in [*entry.changes, *extra] for part in ("--set", change)]
    log = run.with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        spent, stopped = 0.0, False
        while process.poll() is None:
            time.sleep(1.0)
            spent = _processor_seconds(process.pid) or spent
            if seconds is not None and spent >= seconds and not stopped:
                process.send_signal(signal.SIGINT)
                stopped = True
    if process.returncode != 0 and not stopped:
        raise SystemExit(f"{entry.folder} failed; see {log}")
    (run / "spent.json").write_text(json.dumps({"processor_seconds": round(spent)}) + "\n", encoding="utf-8")
    return run


def _processor_seconds(pid: int) -> float | None:
    """The processor time a process has used; None once it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(entry: Entry, out: Path, matcher: Path) -> dict[str, Any]:
    """What an entry scores, and what it took to get there."""
    run = out / entry.folder
    lines = Run(run).log()
    speeds = sorted(line.images_per_second for line in lines if line.images_per_second is not None)
    pipe = zoo.load(run, device="cpu")
    procedural = "/" not in entry.data
    # a folder of images has no judge: the independent matcher sees for it
    kid = () if procedural else (f"kid-judge-2k.features={matcher}",)
    names = ["kid-judge-2k"]
    if pipe.reads_text:
        names += ["attributes-2k", "r-precision-3k"] if procedural else ["r-precision-3k"]
    asked: list[tuple[list[str], Sequence[str]]] = [(names, kid)]
    if pipe.reads_text:
        asked.append((["r-precision-3k"], [f"r-precision-3k.matcher={matcher}"]))
    for metrics, changes in asked:
        file = run / "gallery.json"  # not the run's results, which may hold what was tried besides
        found = zoo.evaluate(run, entry.data, metrics, changes=changes, device="cpu", out=file)
    # of a protocol the newest: data may have been generated anew since
    results = {result["identity"]: result for result in found["results"]}.values()
    return {
        "recipe": entry.recipe,
        "data": Path(entry.data.partition(":")[2]).name if "/" in entry.data else entry.data,
        "resolution": pipe.resolution,
        "steps": max(line.step for line in lines),
        "batch_size": Recipe.read(Run(run).recipe(), catalogue()).train.batch_size,
        "images_per_second": round(speeds[len(speeds) // 2], 1),
        "processor_seconds": json.loads((run / "spent.json").read_text())["processor_seconds"],
        "results": _shortened(results, out),
    }


def _shortened(results: Iterable[Mapping[str, Any]], out: Path) -> list[dict[str, Any]]:
    """What is kept of results, with folders as seen from `out`: no path of this machine."""

    def definition(found: Mapping[str, Any]) -> dict[str, Any]:
        settings = {
            key: value.removeprefix(f"{out}/") if isinstance(value, str) else value
            for key, value in found["settings"].items()
        }
        return {**found, "settings": settings}

    return [
        {
            **{key: result[key] for key in ("identity", "metric", "better", "scores")},
            "definition": definition(result["definition"]),
        }
        for result in results
    ]


def page(rows: Sequence[Mapping[str, Any]], seconds: float) -> str:
    """The page of images and numbers, one table per data set and resolution."""
    groups: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["data"], row["resolution"]), []).append(row)
    parts = [HEAD.format(seconds=round(seconds))]
    for (data, resolution), members in groups.items():
        parts.append(f"## {data}, {resolution} px\n\n{_table(members)}\n")
        parts += [_details(row) for row in members]
    return "\n".join(parts)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns: dict[tuple[str, str], str] = {}
    cells: dict[tuple[str, tuple[str, str]], str] = {}
    for row in rows:
        for identity, title, text in _cells(row):
            columns[identity, title] = f"{title}<br>`{identity}`"
            cells[row["recipe"], (identity, title)] = text
    head = ["recipe", "steps", "images/s", *columns.values()]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        lines.append(
            [
                f"`{row['recipe']}`",
                f"{row['steps']:,}",
                f"{row['images_per_second']:.0f}",
                *(cells.get((row["recipe"], column), "") for column in columns),
            ]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cells(row: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Protocol, title and text of what a row scores."""
    for result in row["results"]:
        scores = result["scores"]
        if result["metric"] == "attributes":
            mean = scores["mean"]
            beside = f" (real {mean['real']:.1%}, chance {mean['chance']:.1%})"
            yield result["identity"], "attributes ↑", f"{mean['value']:.1%}{beside}"
        elif result["metric"] == "r-precision":
            own = result["definition"]["settings"]["matcher"] == "own"
            title = "R-precision, own encoders ↑" if own else "R-precision, independent ↑"
            yield result["identity"], title, f"{scores['r-precision']['value']:.1%}"
        else:
            yield result["identity"], "KID ↓", f"{scores['kid']['value']:.3g}"


def _details(row: Mapping[str, Any]) -> str:
    """A recipe's images, its attributes one by one, and the command that makes the like."""
    name = _image_name(row["recipe"], row["data"])
    text = f"### `{row['recipe']}` on {row['data']}\n\n![samples](images/gallery/{name})\n"
    remark = REMARKS.get(row["recipe"] + ("" if row["data"] in _PROCEDURAL else ", own images"))
    text += f"\n{remark or 'Nobody has described these images yet.'}\n"
    for result in row["results"]:
        if result["metric"] == "attributes":
            each = [
                f"{key.replace('_', ' ')} {score['value']:.0%}"
                for key, score in result["scores"].items()
                if key != "mean"
            ]
            text += f"\nAttributes: {', '.join(each)}.\n"
    data = "folder:DIR" if row["data"] not in _PROCEDURAL else row["data"]
    return f"{text}\n```\nzoo train {row['recipe']} --data {data} --out RUN\n```\n"


REMARKS = {
    "attngan-aviary": "Body colours follow; small shapes on meadow, water and snow, a checkerboard inside.",
    "attngan1-aviary": "Colours follow the caption; birds with head and tail, upright for every noise.",
    "attndcgan-aviary": "Body colours follow the caption; each noise keeps one dotted shape, no bird.",
    "attngan-plus-aviary": "Body colours follow the caption; each noise keeps one striped bar.",
    "dm-gan-aviary": "Body and wing colours follow; smooth ovals with a checkerboard.",
    "df-gan-aviary": "Colours follow the caption, yellow as orange; soft shapes, some with head and tail.",
    "stackgan2-aviary": "Smooth birds, some with beak and tail; yellow comes out orange, white not at all.",
    "progan-aviary": "Birds of sixteen pixels on meadows and in the sky; reads no text.",
    "attngan-r1-aviary": "The cleanest outlines, body and wing colours follow; heads and beaks do not show.",
    "gan-cls-garden": "Petals' colours follow the caption; different noises look alike, under a raster.",
    "gan-int-garden": "Colours follow, red turns out orange; the same raster, some backgrounds black.",
    "gan-int-cls-garden": "Petals' colours follow the caption; round blooms under the same raster.",
    "gan-int-cls-r1-garden": "No raster; colours and the dark background follow; blooms are blotches.",
    "attngan-aviary, own images": "Faces come out round and amber, people in their skin tone; soft blots.",
    "stackgan2-aviary, own images": "The clearest outlines: yellow faces, blue shirts; shapes differ.",
    "gan-int-cls-garden, own images": "Yellow faces with eyes, people in skin tones; the raster.",
    "t2f-portraits": "Sixteen pixels: skin and white hair follow the caption; noises fix pose and ground.",
    "t2f-r1-portraits": "Heads with hair, eyes, some shoulders; skin and white hair follow the caption.",
}
"""What a person saw in the images."""

_PROCEDURAL = ("aviary:6000", "garden:6000", "portraits:6000")

HEAD = """# What the small recipes generate

Made by `python -m benchmarks.lineage DIR` from [lineage.json](../benchmarks/lineage.json). Each recipe
trained {seconds} s of one processor (start, sampling and all; two at a time on a machine of two
cores), on top of a matching stage that was trained before for all that share it. The grids are the runs'
last: one row per caption of unseen classes, one column per noise. All numbers are of the test split, whose
classes no recipe saw. images/s are medians of a machine that had other work besides: compare steps.
KID and attributes are by the judges that come with the zoo. Attributes are known to about a point either
way; another run, or another machine, moves what a recipe generates besides.
"""


def _image_name(recipe: str, data: str) -> str:
    return f"{recipe}-{data.partition(':')[0]}.jpg"


def _save_grid(run: Path, file: Path) -> None:
    """The last sample grid of a run, small ones enlarged by whole pixels."""
    with Image.open(list(Run(run).samples().values())[-1]) as grid:
        scale = max(1, 260 // grid.width)
        enlarged = grid.convert("RGB").resize(
            (grid.width * scale, grid.height * scale), Image.Resampling.NEAREST
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    enlarged.save(file, quality=90)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all, two at a time, and measure them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lineage", description=__doc__)
    parser.add_argument("out", type=Path, help="runs go here; what is done there is not done again")
    parser.add_argument("--images", help="a folder source for three of the recipes, as folder:DIR")
    parser.add_argument(
        "--only",
        action="append",
        choices=[*AVIARY, *GARDEN, *PORTRAITS],
        help="this recipe alone; may be repeated; keeps the other rows",
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of one processor, for each recipe")
    parser.add_argument("--train", action="store_true", help="only train")
    given = parser.parse_args(arguments)
    here = machine(torch.device("cpu"))
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if given.only and not given.train else None
    if before and before["seconds"] != given.seconds:
        parser.error(f"the other rows of {RESULTS.name} took --seconds {before['seconds']:g}")
    if before and not same(before["machine"], here):
        parser.error(f"the other rows of {RESULTS.name} were measured on another machine")
    chosen = [entry for entry in entries(given.images) if not given.only or entry.recipe in given.only]
    others = {entry.data: independent(entry.data) for entry in chosen}
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(train, entry, given.out, None) for entry in matchers(chosen)]
        jobs += [pool.submit(train, entry, given.out / "independent", None) for entry in others.values()]
        for done in jobs:
            done.result()

        def one(entry: Entry) -> None:
            first = Recipe.read(entry.recipe, catalogue()).pretrain
            extra = [f"train.steps={GROWING.get(entry.recipe, FOREVER)}"]
            if first is not None:
                extra.append(f"pretrain={given.out / Entry(first, entry.data).folder}")
            train(entry, given.out, given.seconds, extra)

        for done in [pool.submit(one, entry) for entry in chosen]:
            done.result()
    print(f"{len(chosen)} recipes are trained in {given.out}")
    if given.train:
        return
    rows = {(row["recipe"], row["data"]): row for row in before["rows"]} if before else {}
    for entry in chosen:
        matcher = given.out / "independent" / others[entry.data].folder
        row = measure(entry, given.out, matcher)
        rows[row["recipe"], row["data"]] = row
        _save_grid(given.out / entry.folder, IMAGES / _image_name(row["recipe"], row["data"]))
    found = {"seconds": given.seconds, "machine": here, "rows": list(rows.values())}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(found["rows"], given.seconds), encoding="utf-8")


if __name__ == "__main__":
    main()
