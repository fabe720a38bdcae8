"""The command that exports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from zoo_registry import ZooError

Format = Literal["onnx", "half", "space", "web"]


def export(
    models: Annotated[
        list[str],
        typer.Argument(help="A model's folder or a run's; several for web alone.", metavar="MODEL..."),
    ],
    out: Annotated[Path, typer.Option(help="The new folder.")],
    format: Annotated[
        Format,
        typer.Option(
            help="onnx: one graph from captions' ids and noise to images, its tokenizer, a script; "
            "half: a model's folder with weights of 16 bits, without what only training needs; "
            "space: a folder that runs as a Hugging Face Space, with the studio around the model; "
            "web: files for any static host, a page that generates in the visitor's browser."
        ),
    ] = "onnx",
    runtime: Annotated[
        Path | None,
        typer.Option(help="Of web: a folder of the npm package onnxruntime-web. Without: npm fetches it."),
    ] = None,
) -> None:
    """Write a model for programs without torch, at half its size, as a Hugging Face Space, or as a web page.

    Example: zoo export runs/birds --format onnx --out birds-onnx && python birds-onnx/sample.py "a red bird"
    """
    from ..export.engine import EXPORTING, need

    if format == "web":
        need(EXPORTING)
        from ..export.web.write import write_web

        print(write_web(models, out, runtime=runtime))
        return
    if runtime is not None:
        raise ZooError(f"--runtime is of --format web, got --format {format}")
    if len(models) > 1:
        raise ZooError(f"--format {format} writes one model, got {len(models)}: {', '.join(models)}")
    model = models[0]
    if format == "half":
        from ..export.half import write_half

        print(write_half(model, out))
        return
    if format == "space":
        from ..export.space import write_space
        from ..studio import need_gradio

        need_gradio()
        print(write_space(model, out))
        return
    need(EXPORTING)
    from ..export.to_onnx import write_onnx
    from ..pipeline import load

    print(write_onnx(load(model, device="cpu"), out))
