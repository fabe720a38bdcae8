"""The command that exports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Format = Literal["onnx", "half", "space"]


def export(
    model: Annotated[str, typer.Argument(help="A model's folder or a run's.")],
    out: Annotated[Path, typer.Option(help="The new folder.")],
    format: Annotated[
        Format,
        typer.Option(
            help="onnx: one graph from captions' ids and noise to images, its tokenizer, a script; "
            "half: a model's folder with weights of 16 bits, without what only training needs; "
            "space: a folder that runs as a Hugging Face Space, with the studio around the model."
        ),
    ] = "onnx",
) -> None:
    """Write a model for programs without torch, at half its size, or as a Hugging Face Space.

    Example: zoo export runs/birds --format onnx --out birds-onnx && python birds-onnx/sample.py "a red bird"
    """
    from ..export.engine import EXPORTING, need

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
