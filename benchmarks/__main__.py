"""`python -m benchmarks`: measure, write the results as JSON, and the table in README.md."""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import table

NAMES = ("iteration", "words", "sampling-4", "sampling-1", "cache", "loader", "cold")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=NAMES, help="this alone; may be repeated")
    parser.add_argument("--quick", action="store_true", help="sizes that only show that everything runs")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--out", type=Path, help="results go here (results.json, or results-cuda.json)")
    parser.add_argument("--table", action="store_true", help="only make README's table from results.json")
    given = parser.parse_args(arguments)
    if given.table:
        table.rewrite()
        return
    out = given.out
    if out is None and not given.quick:
        out = table.RESULTS if given.device == "cpu" else table.FOLDER / "results-cuda.json"
    results = measure(given.only or NAMES, given.device, quick=given.quick, before=_read(out))
    print(table.table(results))
    if out is not None:
        out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if out == table.RESULTS:
        table.rewrite()


def measure(
    names: Sequence[str], device: str, *, quick: bool, before: dict[str, Any] | None
) -> dict[str, Any]:
    """These measurements, and the others as they were before, where the machine is the same."""
    import torch

    from . import cold, data, iteration, sampling, words
    from .machine import machine, same
    from .timing import Measurement, Setting

    ways: dict[str, Callable[[Setting], Measurement]] = {
        "iteration": iteration.measure,
        "words": words.measure,
        "sampling-4": sampling.at_four,
        "sampling-1": sampling.at_one,
        "cache": data.cache,
        "loader": data.loading,
        "cold": cold.measure,
    }
    setting = Setting(torch.device(device), quick)
    here = machine(setting.device)
    kept = before["measurements"] if before and same(before["machine"], here) else {}
    for name in names:
        print(f"{name} …", flush=True)
        kept[name] = ways[name](setting).data()
        gc.collect()
    return {"machine": here, "measurements": {name: kept[name] for name in NAMES if name in kept}}


def _read(path: Path | None) -> dict[str, Any] | None:
    if path is None or not path.exists():
        return None
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


if __name__ == "__main__":
    main()
