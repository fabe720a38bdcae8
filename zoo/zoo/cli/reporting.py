"""The command that writes pages: report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo_registry import ZooError


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders that zoo train wrote.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The page that compares several runs; report.html when left out."),
    ] = None,
) -> None:
    """Write a run's report.html anew, or a page that compares several runs.

    Example: zoo report runs/birds runs/birds-wide --out compare.html
    """
    if out is not None and len(runs) == 1:
        raise ZooError(
            f"--out {out}: is for the comparison of several runs; one run's page is {runs[0] / 'report.html'}"
        )

    from ..report.compare import write_comparison
    from ..report.page import write_report

    if len(runs) == 1:
        print(write_report(runs[0], strict=True))
    else:
        print(write_comparison(runs, out or Path("report.html")))
