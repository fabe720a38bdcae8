"""The command that imports an original system's files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo_registry import ZooError

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

    from ..importing.convert import import_model

    print(import_model(system, files, out, vocabulary=vocabulary))
