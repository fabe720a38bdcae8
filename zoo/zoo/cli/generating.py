"""Commands that generate images: sample, interpolate and restyle."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zoo_registry import ZooError
from zoo_registry.text import decode, read_text

from .looking import Device

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..export.engine import ExportedModel
    from ..imaging.images import Samples
    from ..pipeline import Pipeline

Engine = Literal["torch", "onnx"]
Between = Literal["text", "noise", "both"]


def sample(
    model: Annotated[
        str, typer.Argument(help="A model's folder, a run's, or a Hub id: org/name, org/name@revision.")
    ],
    captions: Annotated[list[str] | None, typer.Argument(help="One sentence per image.")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--captions", help="A text file with one caption per line; - is standard input."),
    ] = None,
    images: Annotated[int, typer.Option(min=1, help="Images per caption.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other images.")] = 0,
    out: Annotated[
        Path,
        typer.Option(
            help="An image (of several captions a row each, with the caption), a folder of single ones, "
            "or - for a PNG on standard output."
        ),
    ] = Path("out.png"),
    attention: Annotated[
        bool,
        typer.Option(
            "--attention",
            help="Also write OUT.attention.png, the images under the attention to its five leading words, "
            "and OUT.attention.npz, the maps of all words.",
        ),
    ] = False,
    vary: Annotated[
        str | None,
        typer.Option(
            metavar="WORD=OTHER,…",
            help="Below each caption's row, one with the same noise for each other word in its place.",
        ),
    ] = None,
    device: Device = None,
    engine: Annotated[
        Engine,
        typer.Option(help="The engine. onnx: MODEL is a folder that `zoo export` wrote; starts at once."),
    ] = "torch",
) -> None:
    """Generate images of captions.

    Example: zoo sample runs/birds "a small red bird with a yellow beak" --images 4 --seed 3 --out red.png

    Example: zoo sample runs/birds "a red bird" --vary "red=blue,green,black" --images 4 --out colours.png

    Example: fortune | zoo sample runs/birds --out - | display
    """
    piped = str(out) == "-"
    single = out.suffix == "" and not piped
    if piped:
        _check_pipe(attention)
    elif not single:
        check_image_file(out)
    elif out.exists() and not out.is_dir():
        raise ZooError(f"--out {out}: is a file; expected a folder or a name that ends in .png")
    refused = [flag for flag, given in (("--attention", attention), ("--device", device)) if given]
    if engine == "onnx" and refused:
        raise ZooError(f"--engine onnx generates images only, on the CPU; remove {', '.join(refused)}")
    given_captions = [*(captions or ()), *_read(file)]
    pipe = _load(model, engine, device)
    prompts = _prompts(given_captions, vary, reads_text=pipe.reads_text)
    report_unknown(pipe, prompts)
    pil_images, samples = _generate(pipe, prompts, seed, images)
    if attention and (samples is None or not samples.attention):
        raise ZooError(f"{model}: its generator does not attend to words, so there is no attention to show")
    if single:
        _write_each(out, pil_images, prompts, seed, images)
    else:
        _write_grid(None if piped else out, pil_images, prompts, images, vary)
    if attention and samples is not None:
        figure = (out / "attention.png") if single else out.with_name(f"{out.stem}.attention.png")
        _write_attention(figure, samples, prompts)


def _prompts(captions: list[str], vary: str | None, *, reads_text: bool) -> list[str]:
    """The captions given, else those on standard input; each with its variants."""
    if not captions and not reads_text:
        captions = [""]
    if not captions and not sys.stdin.isatty():
        captions = _stdin()
    if not captions:
        raise ZooError("no caption: give sentences, --captions FILE, or lines on standard input")
    if vary is None:
        return captions
    return [variant for caption in captions for variant in _varied(caption, vary)]


def _write_each(folder: Path, pil_images: list[Image], prompts: list[str], seed: int, images: int) -> None:
    """Each image in a file of its own, `images` of each prompt."""
    from ..files import file_written_beside

    folder.mkdir(parents=True, exist_ok=True)
    for index, pil_image in enumerate(pil_images):
        slug = re.sub(r"\W+", "-", prompts[index // images].lower()).strip("-")[:60]
        path = folder / f"{index // images:03d}_{slug}_seed{seed}_{index % images}.png"
        with file_written_beside(path) as beside:
            pil_image.save(beside)
        print(path)


def _write_grid(
    file: Path | None, pil_images: list[Image], prompts: list[str], images: int, vary: str | None
) -> None:
    """One row per prompt, with its caption where there are several. file: None for standard output."""
    from ..files import file_written_beside
    from ..imaging.grids import image_grid, labelled_grid

    grid = (
        labelled_grid(pil_images, images, prompts, _replaced(vary))
        if len(prompts) > 1
        else image_grid(pil_images, images)
    )
    if file is None:
        grid.save(sys.stdout.buffer, "PNG")
        return
    with file_written_beside(file) as beside:
        grid.save(beside)
    print(file)


def _check_pipe(attention: bool) -> None:
    """Whether an image can go to standard output."""
    if attention:
        raise ZooError("--attention writes files beside --out, and --out - is no file")
    if sys.stdout.isatty():
        raise ZooError("--out - writes a PNG to standard output, which is a terminal: zoo sample … > out.png")


def _write_attention(figure: Path, samples: Samples, prompts: list[str]) -> None:
    """The sheet, and the maps beside it."""
    from ..files import file_written_beside
    from ..imaging.figures import attention_sheet, write_attention

    with file_written_beside(figure) as beside:
        attention_sheet(samples, prompts).save(beside)
    print(figure)
    maps = figure.with_suffix(".npz")
    write_attention(maps, samples, prompts)
    print(maps)


def _load(model: str, engine: Engine, device: str | None) -> Pipeline | ExportedModel:
    if engine == "onnx":
        from ..export.engine import ExportedModel

        return ExportedModel(model)
    from ..pipeline import load

    return load(model, device=device)


def _generate(
    pipe: Pipeline | ExportedModel, captions: list[str], seed: int, images: int
) -> tuple[list[Image], Samples | None]:
    """The images, and the samples where torch generated them."""
    from ..export.engine import ExportedModel

    if isinstance(pipe, ExportedModel):
        return pipe(captions, seed, images), None
    from ..imaging.images import to_pillow

    samples = pipe.generate(captions, seed, images)
    return to_pillow(samples.images[-1]), samples


_WRITTEN = frozenset((".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"))


def check_image_file(out: Path, also: Collection[str] = ()) -> None:
    """Refuse a file that no image can be written to. also: other extensions that are supported."""
    ending = out.suffix.lower()
    if ending not in also and ending not in _WRITTEN:
        *first, last = (".png", ".jpg", *also)
        raise ZooError(f"--out {out}: unsupported extension {ending!r}; use {', '.join(first)} or {last}")
    above = next(folder for folder in out.absolute().parents if folder.exists())
    if not above.is_dir():
        raise ZooError(f"--out {out}: {above} is a file; expected a folder")
    if out.is_dir():
        raise ZooError(f"--out {out}: is a folder; expected an image's file")


def report_unknown(pipe: Pipeline | ExportedModel, captions: Iterable[str]) -> None:
    """Say on standard error what of captions does not reach the images: unknown words, too long ends."""
    for caption in captions:
        unknown = pipe.unknown(caption)
        if unknown:
            print(f"not in the vocabulary, left out of {caption!r}: {', '.join(unknown)}", file=sys.stderr)
        if count := pipe.left_out(caption):
            print(f"too long, the last {count} words are left out of {caption!r}", file=sys.stderr)


def _varied(caption: str, vary: str) -> list[str]:
    """The caption, and it with each of the other words of WORD=OTHER,… in the word's place."""
    from ..vary import varied

    word, _, others = (part.strip() for part in vary.partition("="))
    found = [other.strip() for other in others.split(",")]
    if not word or not all(found):
        raise ZooError(f"--vary {vary!r}: expected WORD=OTHER,… such as red=blue,green")
    try:
        return varied(caption, word, found)
    except ZooError as error:
        raise ZooError(f"--vary {vary!r}: {error}") from None


def _replaced(vary: str | None) -> list[str]:
    """The single words of WORD=OTHER,…, which tell its rows apart."""
    return [] if vary is None else re.split(r"[\s=,]+", vary.strip())


def _read(file: Path | None) -> list[str]:
    if file is None:
        return []
    if str(file) == "-":
        return _stdin()
    try:
        return _lines(read_text(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ZooError(
            f"--captions {file}: expected a text file in UTF-8 with one caption per line: {error}"
        ) from None


def _stdin() -> list[str]:
    try:
        return _lines(decode(sys.stdin.buffer.read()))
    except UnicodeDecodeError as error:
        raise ZooError(f"standard input: expected text in UTF-8, one caption per line: {error}") from None


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


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
    from ..imaging.animation import ENDINGS, there_and_back, write_animation

    moving = out.suffix.lower() in ENDINGS
    check_image_file(out, ENDINGS)

    from ..files import file_written_beside
    from ..imaging.grids import image_grid, upscaled
    from ..imaging.images import to_pillow
    from ..pipeline import load

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
    from ..imaging.grids import image_grid
    from ..imaging.images import square, to_pillow
    from ..pipeline import load

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
