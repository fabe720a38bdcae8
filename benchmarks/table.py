"""The table in README.md, from the results alone. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
RESULTS = FOLDER / "results.json"
BEGIN = "<!-- table: python -m benchmarks --table -->"
END = "<!-- end of table -->"


def table(results: Mapping[str, Any]) -> str:
    """One table of all measurements."""
    machine = results["machine"]
    lines = [
        f"{machine['device']}, {machine['threads']} threads, torch {machine['torch']}, "
        f"Python {machine['python']}, {machine['date']}",
        "",
        "| | median | fastest to slowest | repeats | images/s | × plain port |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for measurement in results["measurements"].values():
        lines.append(f"| **{measurement['title']}** | | | | | |")
        lines += [_line(row) for row in measurement["rows"]]
    return "\n".join(lines)


def written(page: str, text: str) -> str:
    """A page with its table replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def rewrite() -> None:
    """README.md's table from results.json."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    page = written(README.read_text(encoding="utf-8"), table(results))
    README.write_text(page, encoding="utf-8")


def _line(row: Mapping[str, Any]) -> str:
    images = "" if row["images"] is None else _speed(row["images"] / row["median"])
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    spread = f"{_time(row['min'])} to {_time(row['max'])}"
    return f"| {row['what']} | {_time(row['median'])} | {spread} | {row['repeats']} | {images} | {ratio} |"


def _speed(images: float) -> str:
    return f"{images:.2f}" if images < 10 else f"{images:,.0f}"


def _time(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"
