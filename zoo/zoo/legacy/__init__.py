"""Old checkpoints in the zoo's terms. The tables of names are parts of kind `importer`; this applies them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from zoo_registry import ZooError, catalogue
from zoo_registry.contracts import ConditionSpec, Converted, GeneratorSpec, TextSource, TextSpec
from zoo_registry.errors import nearest
from zoo_registry.recipe import Choice
from zoo_registry.schema import fill, schema_of

from .. import weights
from ..assemble import construct

_WRAPPERS = ("module.",)  # torch.nn.DataParallel


def convert(system: str, part: str, state_dict: Mapping[str, Any], **dims: Any) -> nn.Module:
    """A module of ours that holds an original's weights, in eval mode.

    system: an importer's name ("attngan", …). part: a kind that it converts. state_dict: names to tensors or
    arrays, as the original saved them. dims: sizes that the tensors do not tell.
    A generator whose original holds its conditioning carries it as `.conditioning`.
    Raises `ZooError` that lists by name what is missing, extra or misshapen.
    """
    importer = catalogue().get("importer", system).load()()
    if part not in importer.parts:
        raise ZooError(f"{system} has no {part!r}{nearest(part, importer.parts)}")
    state = {_bare(name): torch.as_tensor(value) for name, value in state_dict.items()}
    converted = importer.convert(part, state, **dims)
    modules = {kind: _module(kind, what, f"{system} {kind}") for kind, what in converted.items()}
    whole = modules.pop(part)
    for kind, module in modules.items():
        whole.add_module(kind, module)
    return whole.eval()


def _bare(name: str) -> str:
    for wrapper in _WRAPPERS:
        name = name.removeprefix(wrapper)
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
        TextSpec: converted.text,
        ConditionSpec: converted.condition,
        GeneratorSpec: converted.generator,
    }
    module: nn.Module = construct(choice(kind, converted), wires, loading=True)
    weights.put(module, converted.state, what)
    return module
