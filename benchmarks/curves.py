"""`python -m benchmarks.curves`: how attributes and KID come while the shipped models train.

`python -m benchmarks.ship` keeps what a run measured in `benchmarks/shipped/curves.json`; this draws it over
images seen into docs/images/curves.svg: 2,000 captions of the test split, at the resolution grown to.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from zoo.files.run import Run

FOLDER = Path(__file__).parent
CURVES = FOLDER / "shipped/curves.json"
PICTURE = FOLDER.parent / "docs/images/curves.svg"


def evaluations(run: Run) -> list[dict[str, Any]]:
    """What a run measured while it trained, by images seen, in the order of its steps."""
    batch_size = run.recipe()["train"]["batch_size"]
    found = []
    for line in run.log():
        if not line.metrics:
            continue
        row: dict[str, Any] = {"images": line.step * batch_size, "hours": round(line.seconds / 3600, 2)}
        for name, value in line.metrics.items():
            protocol, _, part = name.partition("/")
            row["resolution"] = int(protocol.partition("resolution=")[2].rstrip("]"))
            row[part or protocol.partition("-")[0]] = round(value, 4)
        found.append(row)
    return found


def keep(name: str, run: Run) -> None:
    """Put a run's evaluations in place of those of the model that shipped before."""
    curves = json.loads(CURVES.read_text(encoding="utf-8")) if CURVES.exists() else {}
    curves[name] = evaluations(run)
    CURVES.write_text(json.dumps(curves, indent=1) + "\n", encoding="utf-8")


def draw(curves: dict[str, Sequence[dict[str, Any]]]) -> None:
    """Mean attributes and KID over images, one line a model, marked where the resolution doubles."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams["svg.hashsalt"] = "curves"  # the same bytes each time
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for axis, (key, title, factor) in zip(
        axes, (("mean", "attributes shown, %", 100), ("kid", "KID, judge's features", 1)), strict=True
    ):
        for name, rows in curves.items():
            images = [row["images"] / 1000 for row in rows]
            (line,) = axis.plot(images, [factor * row[key] for row in rows], marker="o", ms=3, label=name)
            for before, row in pairwise(rows):
                if row["resolution"] != before["resolution"]:
                    axis.axvline(before["images"] / 1000, color=line.get_color(), lw=0.5, ls=":")
        axis.set(title=title, xlabel="thousand images seen")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(PICTURE, metadata={"Date": None})


if __name__ == "__main__":
    draw(json.loads(CURVES.read_text(encoding="utf-8")))
