"""The command that measures: eval."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zoo_registry import ZooError

from .looking import Device

if TYPE_CHECKING:
    from ..files.results import Results

Style = Literal["terminal", "markdown", "json"]


def eval_(
    models: Annotated[
        list[str], typer.Argument(help="Models' folders, runs', or Hub ids: org/name, org/name@revision.")
    ],
    data: Annotated[
        str | None, typer.Option(help="A data set of zoo list dataset, NAME or NAME:DIR; or a folder.")
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(help="Protocols or metrics, with commas between: zoo list protocol, zoo list metric."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME.KEY=VALUE",
            help="Change a value of a protocol or a setting of its metric, as in NAME.seed=1: "
            "the result is one of another protocol.",
        ),
    ] = None,
    images: Annotated[
        int | None, typer.Option(min=1, help="Images to generate, where not what the protocol asks for.")
    ] = None,
    allow_small: Annotated[
        bool,
        typer.Option("--allow-small", help="Fewer than the protocol asks for; marked as another protocol."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="The results' file; results.json in the run or the model's folder when left out."),
    ] = None,
    table: Annotated[
        bool,
        typer.Option(
            "--table", help="Compare all models in one table; without --metrics, by what was measured before."
        ),
    ] = False,
    style: Annotated[Style, typer.Option("--format", help="How the table is printed.")] = "terminal",
    batch_size: Annotated[
        int, typer.Option(min=1, help="Images at a time; changes the speed, not the result.")
    ] = 50,
    device: Device = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Measure pipelines by named protocols, and compare them.

    Example: zoo eval runs/aviary --data aviary --metrics attributes-2k,r-precision-3k
    """
    if (data is None) != (metrics is None):
        missing = "--data SRC" if data is None else "--metrics NAME,NAME: zoo list protocol"
        raise ZooError(f"zoo eval: missing {missing}")
    if data is None and not table:
        raise ZooError("zoo eval: missing --data and --metrics, or --table for what was measured before")
    if out is not None and len(models) > 1:
        raise ZooError("--out is for one model; several write results.json into their own folders")
    names = [name.strip() for name in (metrics or "").split(",") if name.strip()]

    from ..files.results import Results, read_results
    from ..models.results import measured

    if data is not None:
        from ..models.locate import locate

        for model in models:  # a name that does not exist is no reason to have measured the others
            locate(model)
    found, failed = {}, []
    for model in models:
        if data is None:
            found[model] = read_results(measured(model) if out is None else out)
            continue

        from ..evaluation.run import NotMeasuredError, evaluate

        try:
            results = evaluate(
                model,
                data,
                names,
                changes=changes or (),
                images=images,
                allow_small=allow_small,
                out=out,
                batch_size=batch_size,
                device=device,
                quiet=quiet,
            )
            found[model] = Results.model_validate(results)
        except NotMeasuredError as error:
            failed.append(f"{model}: {error}")
            if error.path.is_file():
                found[model] = read_results(error.path)
    if found:
        _print(found, style, table=table)
    if failed:
        raise ZooError("\n".join(failed))


def _print(found: dict[str, Results], style: Style, *, table: bool) -> None:
    from ..models.results import Table, by_score, compared, markdown

    if style == "json":
        dumped = {model: results.model_dump(mode="json") for model, results in found.items()}
        print(json.dumps(dumped, indent=2, ensure_ascii=False))
        return
    tables = (
        compared(found)
        if table
        else [Table(model, *by_score(results.results)) for model, results in found.items()]
    )
    for place, (title, head, rows) in enumerate(tables):
        if table or len(tables) > 1:
            print(("\n" if place else "") + title + ("\n" if style == "markdown" else ""))
        if style == "markdown":
            print(markdown(head, rows))
            continue

        from rich import table as rich_table
        from rich.console import Console
        from rich.text import Text  # plain: a protocol's [changes] are no markup

        console = Console(width=None if sys.stdout.isatty() else 1000)
        rendered = rich_table.Table(pad_edge=False)
        for column in head:
            rendered.add_column(Text(column), overflow="fold")
        for row in rows:
            rendered.add_row(*map(Text, row))
        console.print(rendered)
