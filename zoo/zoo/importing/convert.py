"""Parts and models of ours from an original's weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import ConditionSpec, Converted, GeneratorSpec, Importer, TextSource, TextSpec
from zoo_registry.errors import nearest, said
from zoo_registry.recipe import Choice
from zoo_registry.schema import fill, schema_of

from ..assemble import assemble, construct
from ..models import weights
from ..pipeline import save

_PREFIXES = ("module.",)  # torch.nn.DataParallel


def convert(system: str, part: str, state_dict: Mapping[str, Any], **dims: Any) -> nn.Module:
    """A module of ours that holds an original's weights, in eval mode.

    system: an importer's name. part: a kind that it converts. state_dict: names to tensors or
    arrays, as the original saved them. dims: sizes that the tensors do not tell.
    A generator whose original holds its conditioning carries it as `.conditioning`.
    Raises `ZooError` that lists by name what is missing, extra or misshapen.
    """
    converted = _converted(_importer(system), system, part, state_dict, **dims)
    modules = {kind: _module(kind, what, f"{system} {kind}") for kind, what in converted.items()}
    whole = modules.pop(part)
    for kind, module in modules.items():
        whole.add_module(kind, module)
    return whole.eval()


def import_model(
    system: str, files: Mapping[str, Sequence[Path]], out: Path, *, vocabulary: Path | None = None
) -> Path:
    """Write a model's folder from an original's files.

    files: by part; several for one part are put together (a discriminator per resolution).
    vocabulary: the pickle with the words of a word-level text encoder.
    Parts of which no file is given are left out of the folder.
    Raises `ZooError` for what cannot be read or does not fit, and for a model without weights that sampling
    needs.
    """
    from ..importing.old_files import read_checkpoint, read_vocabulary

    importer = _importer(system)
    if out.exists():
        raise ZooError(f"--out {out} exists; expected a new folder")
    words = None if vocabulary is None else read_vocabulary(vocabulary)
    found: dict[str, Converted] = {}
    for part, paths in files.items():
        for path in paths:
            try:
                converted = _converted(importer, system, part, read_checkpoint(path))
            except ZooError as error:
                raise error if str(path) in str(error) else ZooError(f"{path}: {error}") from None
            for kind, what in converted.items():
                if kind in found:
                    what = what._replace(state={**found[kind].state, **what.state})
                found[kind] = what
    recipe = _recipe(importer, system, found)
    source = TextSource(words=words)
    if words is None and "text_encoder" in found and found["text_encoder"].source is not None:
        source = found["text_encoder"].source
        if source.entries is not None:
            raise ZooError(
                f"{system}: a text encoder of {source.entries} words needs them: --vocabulary FILE, as "
                "AttnGAN's captions.pickle"
            )
    kinds = _buildable(recipe, found, system)
    parts = assemble(recipe, source, kinds=kinds, loading=True)
    for kind in [kind for kind in parts.modules if kind not in found]:
        del parts.modules[kind]
    for kind, module in parts.modules.items():
        weights.put(module, found[kind].state, f"{system} {kind}")
    return save(recipe, parts, out)


def _importer(system: str) -> Importer:
    importer: Importer = catalogue().get("importer", system).load()()
    return importer


def _converted(
    importer: Importer, system: str, part: str, state_dict: Mapping[str, Any], **dims: Any
) -> Mapping[str, Converted]:
    if part not in importer.parts:
        raise ZooError(f"{system} has no {part!r}{nearest(part, importer.parts)}")
    flat = importer.within(part, state_dict)
    other = [name for name, value in flat.items() if isinstance(value, Mapping | str | list | tuple | None)]
    if other:
        raise ZooError(
            f"no state dict of a {part.replace('_', ' ')}, which holds tensors alone: "
            f"{', '.join(map(str, other[:6]))} {'is' if len(other) == 1 else 'are'} something else"
        )
    try:
        state = {_bare(name): torch.as_tensor(value) for name, value in flat.items()}
        return importer.convert(part, state, **dims)
    except ZooError:
        raise
    except Exception as error:  # a table of names met other ranks and sizes than the original's
        raise ZooError(
            f"these tensors are not those of a {part.replace('_', ' ')} of {system}: {said(error)}"
        ) from error


def _recipe(importer: Importer, system: str, found: Mapping[str, Converted]) -> Recipe:
    """The system's recipe with the parts that were found, their settings read off the tensors."""
    table = Recipe.read(importer.recipe, catalogue()).locked()
    table.pop("pretrain", None)
    table["name"] = f"{system}-imported"
    for kind, what in found.items():
        kept = {key: table[kind][key] for key in ("frozen",) if key in table.get(kind, {})}
        table[kind] = {"use": what.use, **kept, **what.settings}
    return Recipe.read(table, catalogue())


def _buildable(recipe: Recipe, found: Mapping[str, Converted], system: str) -> list[str]:
    """The parts to build: those found and those that they are wired to, which must be there too."""
    wired = {"image_encoder": ["text_encoder"], "conditioning": ["text_encoder"]}
    wired["generator"] = ["text_encoder", "conditioning"]
    wired["discriminator"] = [*wired["generator"], "generator"]
    needed = {*found, *(before for kind in found for before in wired.get(kind, ()) if before in recipe.parts)}
    missing = [kind for kind in recipe.parts if kind in needed and kind not in found]
    if missing:
        flags = " and ".join(f"--{kind.replace('_', '-')}" for kind in missing)
        raise ZooError(f"{system}: a pipeline of {', '.join(found)} needs {flags} too")
    return [kind for kind in recipe.parts if kind in needed]


def _bare(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def choice(kind: str, converted: Converted) -> Choice:
    """The part that a converted state belongs to, as a recipe would choose it."""
    component = catalogue().get(kind, converted.use)
    settings, problems = fill(schema_of(component).settings, converted.settings, kind)
    assert settings is not None, problems
    return Choice(component, settings)


def _module(kind: str, converted: Converted, what: str) -> nn.Module:
    wires = {
        TextSource: converted.source,
        TextSpec: converted.text or TextSpec(0),
        ConditionSpec: converted.condition or ConditionSpec(0),
        GeneratorSpec: converted.generator,
    }
    module: nn.Module = construct(choice(kind, converted), wires, loading=True)
    weights.put(module, converted.state, what)
    return module
