"""Commands that make: train and sample."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zoo_registry import ZooError

from .looking import Changes

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..export.engine import ExportedModel
    from ..pipeline import Pipeline, Samples

Engine = Literal["torch", "onnx"]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, …; the best there is when left out.")]


def train(
    recipe: Annotated[str | None, typer.Argument(help="A recipe's name or file.")] = None,
    data: Annotated[
        str | None, typer.Option(help="aviary, garden, cub:DIR, folder:DIR, …, or a folder.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The new folder of the run.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run instead.")] = None,
    changes: Changes = None,
    device: Device = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Train a recipe on a data set, or go on with a run.

    Example: zoo train attngan-birds --data cub:CUB_200_2011 --out runs/birds
    """
    missing = [
        flag for flag, value in (("RECIPE", recipe), ("--data", data), ("--out", out)) if value is None
    ]
    if resume is None and missing:
        raise ZooError(f"zoo train: missing {', '.join(missing)}; or --resume RUN")
    if resume is not None and (len(missing) < 3 or changes):
        raise ZooError(
            "zoo train --resume RUN goes on with the run's own recipe and data; nothing else is given with it"
        )

    from ..training import trainer
    from ..training.loop import Interrupted

    try:
        if resume is not None:
            run = trainer.resume(resume, device=device, quiet=quiet)
        else:
            assert recipe is not None
            assert data is not None
            assert out is not None
            run = trainer.train(recipe, data, out, changes=changes or (), device=device, quiet=quiet)
    except Interrupted as stop:
        print(stop, file=sys.stderr)
        raise typer.Exit(130) from None
    print(f"model:  {run / 'model'}\nreport: {run / 'report.html'}")


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
        Path, typer.Option(help="An image (one row per caption), or a folder of single ones.")
    ] = Path("out.png"),
    attention: Annotated[
        bool,
        typer.Option(
            "--attention",
            help="Also write OUT.attention.png, where each stage looked for its five most attended words, "
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
    """
    prompts = [*(captions or ()), *_read(file)]
    single = out.suffix == ""
    if not single:
        check_image_file(out)
    if single and out.exists() and not out.is_dir():
        raise ZooError(f"--out {out}: is a file; expected a folder or a name that ends in .png")
    refused = [flag for flag, given in (("--attention", attention), ("--device", device)) if given]
    if engine == "onnx" and refused:
        raise ZooError(f"--engine onnx generates images only, on the CPU; remove {', '.join(refused)}")

    from ..files import file_written_beside
    from ..report.figures import attention_figures, image_grid, write_attention

    pipe = _load(model, engine, device)
    if not prompts and not pipe.reads_text:
        prompts = [""]
    if not prompts and not sys.stdin.isatty():
        prompts = _lines(sys.stdin.read())
    if not prompts:
        raise ZooError("no caption: give sentences, --captions FILE, or lines on standard input")
    if vary is not None:
        prompts = [variant for caption in prompts for variant in _varied(caption, vary)]
    report_unknown(pipe, prompts)
    pil_images, samples = _generate(pipe, prompts, seed, images)
    if attention and (samples is None or not samples.attention):
        raise ZooError(f"{model}: its generator does not attend to words, so there is no attention to show")
    if single:
        out.mkdir(parents=True, exist_ok=True)
        for index, pil_image in enumerate(pil_images):
            slug = re.sub(r"\W+", "-", prompts[index // images].lower()).strip("-")[:60]
            path = out / f"{index // images:03d}_{slug}_seed{seed}_{index % images}.png"
            with file_written_beside(path) as beside:
                pil_image.save(beside)
            print(path)
    else:
        with file_written_beside(out) as beside:
            image_grid(pil_images, images).save(beside)
        print(out)
    if attention and samples is not None:
        figure = (out / "attention.png") if single else out.with_name(f"{out.stem}.attention.png")
        with file_written_beside(figure) as beside:
            attention_figures(samples, prompts, images).save(beside)
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
    from ..pipeline import to_pillow

    samples = pipe.generate(captions, seed, images)
    return to_pillow(samples.images[-1]), samples


def check_image_file(out: Path, also: Collection[str] = ()) -> None:
    """Refuse a file that no image can be written to. also: other extensions that are supported."""
    from PIL import Image

    Image.init()
    ending = out.suffix.lower()
    if ending not in also and Image.registered_extensions().get(ending) not in Image.SAVE:
        *first, last = (".png", ".jpg", *also)
        raise ZooError(f"--out {out}: unsupported extension {ending!r}; use {', '.join(first)} or {last}")
    if not out.parent.is_dir():
        raise ZooError(f"--out {out}: there is no folder {out.parent}")
    if out.is_dir():
        raise ZooError(f"--out {out}: is a folder; expected an image's file")


def report_unknown(pipe: Pipeline | ExportedModel, captions: Iterable[str]) -> None:
    """Name on standard error the words of captions that are not in the vocabulary."""
    for caption in captions:
        unknown = pipe.unknown(caption)
        if unknown:
            print(f"not in the vocabulary, left out of {caption!r}: {', '.join(unknown)}", file=sys.stderr)


def _varied(caption: str, vary: str) -> list[str]:
    """The caption, and it with each of the other words of WORD=OTHER,… in the word's place."""
    from ..captions import varied

    word, _, others = (part.strip() for part in vary.partition("="))
    found = [other.strip() for other in others.split(",")]
    if not word or not all(found):
        raise ZooError(f"--vary {vary!r}: expected WORD=OTHER,… such as red=blue,green")
    try:
        return varied(caption, word, found)
    except ZooError as error:
        raise ZooError(f"--vary {vary!r}: {error}") from None


Files = Annotated[list[Path] | None, typer.Option(help="Its file.")]


def import_(
    system: Annotated[str, typer.Argument(help="The original system: zoo list importer.")],
    out: Annotated[Path, typer.Option(help="The new folder of the model.")],
    generator: Files = None,
    conditioning: Files = None,
    text_encoder: Files = None,
    image_encoder: Files = None,
    discriminator: Annotated[
        list[Path] | None, typer.Option(help="Its file; given again, a file per resolution.")
    ] = None,
    vocabulary: Annotated[
        Path | None, typer.Option(help="The words of a text encoder, as AttnGAN's captions.pickle.")
    ] = None,
) -> None:
    """Turn an original system's files into a model's folder.

    Example: zoo import attngan --generator bird_AttnGAN2.pth --text-encoder text_encoder200.pth
    --vocabulary captions.pickle --out birds
    """
    given = {
        "text_encoder": text_encoder,
        "image_encoder": image_encoder,
        "conditioning": conditioning,
        "generator": generator,
        "discriminator": discriminator,
    }
    files = {part: paths for part, paths in given.items() if paths}
    if not files:
        raise ZooError("no file: give at least one of --generator, --text-encoder, --discriminator, …")
    for path in [path for paths in files.values() for path in paths] + ([vocabulary] if vocabulary else []):
        if not path.is_file():
            raise ZooError(f"{path}: no such file")

    from ..legacy import import_model

    print(import_model(system, files, out, vocabulary=vocabulary))


def _read(file: Path | None) -> list[str]:
    if file is None:
        return []
    if str(file) == "-":
        return _lines(sys.stdin.read())
    try:
        return _lines(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ZooError(
            f"--captions {file}: expected a text file in UTF-8 with one caption per line: {error}"
        ) from None


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
