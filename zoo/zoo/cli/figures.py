"""Commands that make figures: interpolate and restyle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zoo_registry import ZooError

from .making import Device, check_image_file, report_unknown

if TYPE_CHECKING:
    from PIL.Image import Image

Between = Literal["text", "noise", "both"]


def interpolate(
    model: Annotated[
        str, typer.Argument(help="A model's folder, a run's, or a Hub id: org/name, org/name@revision.")
    ],
    first: Annotated[str, typer.Argument(metavar="A", help="A caption; none for a model without text.")] = "",
    second: Annotated[
        str | None, typer.Argument(metavar="B", help="Another caption; none between two noises.")
    ] = None,
    between: Annotated[
        Between,
        typer.Option(
            help="Two captions with one noise; one caption with two noises, which are those of its images 0 "
            "and 1; or both."
        ),
    ] = "text",
    steps: Annotated[
        int | None,
        typer.Option(
            min=2, help="From one end to the other, both included. 8, or 30 for an animation.", metavar="N"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other noise.")] = 0,
    out: Annotated[
        Path,
        typer.Option(
            help="An image: a strip, or for both a grid with a row per caption and a column per noise. Or an "
            "animation there and back, .gif or .mp4, for both of a strip from A to B."
        ),
    ] = Path("out.png"),
    device: Device = None,
) -> None:
    """Interpolate between two captions, two noises, or both.

    Example: zoo interpolate runs/birds "a red bird" "a blue bird with a yellow beak" --out way.mp4

    Example: zoo interpolate runs/birds "a red bird" --between noise --steps 6 --out poses.png
    """
    from ..video import ENDINGS, there_and_back, write_animation

    moving = out.suffix.lower() in ENDINGS
    check_image_file(out, ENDINGS)

    from ..files import file_written_beside
    from ..pipeline import load, to_pillow
    from ..report.figures import image_grid, upscaled

    if steps is None:
        steps = 30 if moving and between != "both" else 8
    pipe = load(model, device=device)
    report_unknown(pipe, [caption for caption in (first, second) if caption])
    generated = pipe.interpolate(first, second, between=between, steps=steps, seed=seed)
    if moving:
        # Of both, each frame is a strip along the text: a column.
        frames = generated.transpose(0, 1) if between == "both" else generated.flatten(0, 1).unsqueeze(1)
        strips = [image_grid(to_pillow(frame), len(frame)) for frame in frames]
        write_animation(out, there_and_back([upscaled(strip) for strip in strips]))
    else:
        strip = to_pillow(generated.flatten(0, 1))
        with file_written_beside(out) as beside:
            image_grid(strip, generated.shape[1] if between == "both" else steps).save(beside)
    print(out)


def restyle(
    model: Annotated[
        str, typer.Argument(help="A model with a style encoder: its folder, its run, or a Hub id.")
    ],
    style_file: Annotated[Path, typer.Argument(metavar="IMAGE", help="The image whose style is taken.")],
    captions: Annotated[
        list[str], typer.Argument(metavar="CAPTION...", help="What is generated in its style.")
    ],
    image: Annotated[
        list[Path] | None, typer.Option(metavar="IMAGE", help="One more style; may be given again.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            help="An image: what was generated; of several styles or captions a grid, a row per style, which "
            "stands before its row, and a column per caption."
        ),
    ] = Path("out.png"),
    device: Device = None,
) -> None:
    """Generate images of captions in the style (pose, background) of an image, by the model's style encoder.

    Example: zoo restyle runs/style flower.png "a red flower" "a blue flower" --image other.png --out grid.png
    """
    check_image_file(out)

    from zoo_registry.contracts import Record

    from ..data.decode import open_image
    from ..files import file_written_beside
    from ..pipeline import load, square, to_pillow
    from ..report.figures import image_grid

    files = [style_file, *(image or ())]
    for file in files:
        if not file.is_file():
            raise ZooError(f"{file}: no such image")
    styles = [open_image(Record(str(file), file, ())) for file in files]
    pipe = load(model, device=device)
    report_unknown(pipe, captions)
    generated = to_pillow(pipe.restyle(styles, captions).images[-1])
    cells: list[Image] = []
    for place, style in enumerate(styles):
        if len(generated) > 1:
            cells.append(square(style, pipe.resolution))
        cells += generated[place :: len(styles)]
    with file_written_beside(out) as beside:
        image_grid(cells, len(cells) // len(styles)).save(beside)
    print(out)
