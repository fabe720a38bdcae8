"""Models as a folder of files that generates in a visitor's browser: `zoo export MODEL… --format web`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from zoo_registry import ZooError

from ...files import folder_written_beside, write_json
from ...models.card import Facts
from ...models.hub import HubId
from ...models.locate import locate
from ...pipeline import Pipeline, load
from ..onnx_pipeline import OnnxPipeline
from .graphs import Graphs, write_graphs
from .runtime import Runtime, find_runtime

FORMAT = 1
"""Of `models.json` and each `model.json`."""
PAGE = Path(__file__).parent / "page"
INDEX, DESCRIPTION, SAMPLE = "models.json", "model.json", "sample.png"
SCHEMES = ("words", "characters")
"""How the page can turn captions into ids; see `TextEncoder.tokenizer_config`."""
SAMPLES = 4
"""Images of the first caption that a visitor sees before anything is loaded."""
_PROPOSED = 6
_LETTERS = 300
_TRACED = "a small bird with a long red beak"  # where the vocabulary is of characters


def write_web(models: Sequence[str], out: Path, *, runtime: Path | None = None) -> Path:
    """Write a folder for any static host: the page, onnxruntime-web, each model's graphs and description.

    runtime: a folder of the npm package onnxruntime-web; None: npm is asked for it. What the graphs generate
    is compared with what the pipelines do. Raises `ZooError` for a folder that is there and not empty, where
    the runtime cannot be had, and for a model that cannot be exported.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ZooError(f"--out {out} exists and is not empty; expected a new folder")
    found = find_runtime(runtime)  # first: the models take longer
    names = _names(models)
    with folder_written_beside(out) as beside:
        shutil.copytree(PAGE, beside, dirs_exist_ok=True)
        found.copy(beside / "runtime")
        for model, name in names.items():
            folder = beside / "models" / name
            folder.mkdir(parents=True)
            _write_model(load(model, device="cpu"), _captions(model), folder)
        write_json(beside / INDEX, _index(beside, list(names.values()), found))
    return out


def _names(models: Sequence[str]) -> dict[str, str]:
    """For each model a name of its own that a folder and an address can have."""
    names: dict[str, str] = {}
    for model in dict.fromkeys(models):
        place = HubId.of_model(model)
        path = Path(model) if place is None else Path(model.partition("@")[0])
        last = path.parent.name if path.name == "model" and path.parent.name else path.name
        name = stem = re.sub(r"[^a-z0-9]+", "-", last.lower()).strip("-") or "model"
        number = 1
        while name in names.values():
            number += 1
            name = f"{stem}-{number}"
        names[model] = name
    return names


def _captions(model: str) -> tuple[str, ...]:
    """Captions like those that a model learnt from; they are anybody's, so only those of one line."""
    captions = Facts.of(locate(model), "").captions
    return tuple(text for text in captions if text.splitlines() == [text.strip()] and len(text) <= _LETTERS)


def _write_model(pipe: Pipeline, captions: Sequence[str], folder: Path) -> None:
    rule = _token_rule(pipe, folder)
    if rule is None:
        captions = ("",)
    else:
        captions = [text for text in captions if pipe.parts.text_encoder.split(text)][:_PROPOSED]
        captions = captions or [_fallback(rule)]
    graphs = write_graphs(pipe, folder, captions[0])
    _write_sample(pipe, captions[0], folder / SAMPLE)
    write_json(folder / DESCRIPTION, _description(pipe, rule, captions, graphs))


def _token_rule(pipe: Pipeline, folder: Path) -> dict[str, Any] | None:
    """How captions become ids, the vocabulary included; None for a model without text."""
    if not pipe.reads_text:
        return None
    config: Mapping[str, Any] | None = pipe.parts.text_encoder.tokenizer_config()
    if config is None or config["scheme"] not in SCHEMES:
        found = "none" if config is None else f"{config['scheme']!r}"
        raise ZooError(
            f"{pipe.recipe.name} cannot be exported as a web page: the page reads captions by "
            f"{' or '.join(SCHEMES)}, expected a text encoder that does, got "
            f"{pipe.recipe.parts['text_encoder'].component.name!r} with {found}"
        )
    rule = dict(config)
    if rule["scheme"] == "words":
        scratch = folder / "tokenizer"
        scratch.mkdir()
        pipe.parts.text_encoder.save_tokenizer(scratch)
        rule["words"] = OnnxPipeline.vocabulary(scratch)
        shutil.rmtree(scratch)
    return rule


def _fallback(rule: Mapping[str, Any]) -> str:
    """A caption for a model that tells none: seven words that it knows."""
    known = rule.get("words", ())[1:]
    return " ".join((known * 7)[:7]) if known else _TRACED


def _write_sample(pipe: Pipeline, caption: str, path: Path) -> None:
    """The first images of seed 0 in a row, as torch generates them."""
    images = pipe(caption, seed=0, images=SAMPLES)
    strip = Image.new("RGB", (images[0].width * SAMPLES, images[0].height))
    for place, image in enumerate(images):
        strip.paste(image, (place * image.width, 0))
    strip.save(path)


def _description(
    pipe: Pipeline, rule: Mapping[str, Any] | None, captions: Sequence[str], graphs: Graphs
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "recipe": pipe.recipe.name,
        "paper": pipe.recipe.paper,
        "resolution": pipe.resolution,
        "noise_width": pipe.parts.generator.spec.noise_width,
        "code_width": pipe.parts.code_width,
        "attention": graphs.attention,
        "captions": list(captions) if rule is not None else [],
        "tokens": rule,
    }


def _index(folder: Path, names: Sequence[str], runtime: Runtime) -> dict[str, Any]:
    """What the page reads first: the models, and how large each file is, so that it can tell progress."""
    files = [file for part in ("runtime", "models") for file in sorted((folder / part).rglob("*"))]
    return {
        "format": FORMAT,
        "runtime": runtime.version,
        "models": [{"name": name, "folder": f"models/{name}"} for name in names],
        "sizes": {
            file.relative_to(folder).as_posix(): file.stat().st_size for file in files if file.is_file()
        },
    }
