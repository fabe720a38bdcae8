"""The command that exports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Format = Literal["onnx"]


def add(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    model: Annotated[str, typer.Argument(help="A model's folder or a run's.")],
    out: Annotated[Path, typer.Option(help="The new folder.")],
    format: Annotated[
        Format,
        typer.Option(help="onnx: one graph from captions' ids and noise to images, its tokenizer, a script."),
    ] = "onnx",
) -> None:
    """Write a model for programs without torch.

    Example: zoo export runs/birds --format onnx --out birds-onnx && python birds-onnx/sample.py "a red bird"
    """
    from ..export.engine import EXPORTING, need

    need(EXPORTING)
    from ..export.to_onnx import write_onnx
    from ..pipeline import load

    print(write_onnx(load(model, device="cpu"), out))
