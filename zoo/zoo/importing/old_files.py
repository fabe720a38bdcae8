"""Old files, read without running what they hold: checkpoints of tensors, pickles of plain data."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from zoo_registry import ZooError
from zoo_registry.errors import said

from ..models import weights

_DEPTH = 4  # wrappers around wrappers
_MOST_WORDS = 10_000_000
_WRAPPERS = ("state_dict", "model_state_dict", "model")


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """A checkpoint's data, out of the usual wrappers: names to tensors, or to such mappings.

    A safetensors file, or what `torch.save` wrote, Python 2 included. Raises `ZooError` for anything else,
    and for a file that would run code.
    """
    if path.suffix == ".safetensors":
        return weights.read(path)
    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).strip().splitlines()[0]
        raise ZooError(
            f"{path} is refused: it holds more than tensors and plain data, or is no checkpoint ({reason}); "
            "expected a state dict, as torch.save(network.state_dict(), …) writes it"
        ) from None
    except Exception as error:  # torch and pickle stumble on odd files wherever they read them
        raise ZooError(f"{path} cannot be read as a checkpoint: {said(error)}") from None
    for _ in range(_DEPTH):
        wrapped = data if isinstance(data, Mapping) else {}
        inner = next((wrapped[key] for key in _WRAPPERS if isinstance(wrapped.get(key), Mapping)), None)
        if inner is None:
            break
        data = inner
    else:
        raise ZooError(f"{path} holds state dicts inside of one another; expected names with tensors")
    if isinstance(data, Mapping) and all(isinstance(name, str) for name in data):
        return data
    if isinstance(data, Mapping):
        name = next(name for name in data if not isinstance(name, str))
        raise ZooError(f"{path} holds no state dict: one of its names is no text but {type(name).__name__}")
    raise ZooError(f"{path} holds no state dict but {type(data).__name__}; expected names with tensors")


class _PlainUnpickler(pickle.Unpickler):
    """Lists, dicts, tuples, strings and numbers; nothing else is built, so nothing is run."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def read_vocabulary(path: Path) -> tuple[str, ...]:
    """The words of an old vocabulary in the order of their index.

    A pickle (AttnGAN's captions.pickle and its kin) that holds, at its top or one level below, the words by
    their index, the indices by their word, or a list of words. Raises `ZooError` where there is none, and for
    a pickle with anything but plain data.
    """
    try:
        with path.open("rb") as file:
            data = _PlainUnpickler(file, encoding="latin1").load()
    except Exception as error:  # pickle stumbles on odd files wherever it reads them
        raise ZooError(
            f"{path} is refused as a vocabulary: only lists, dicts, strings and numbers are read "
            f"({said(error)})"
        ) from None
    inside = (
        (*data.values(),) if isinstance(data, dict) else (*data,) if isinstance(data, list | tuple) else ()
    )
    # a list of captions of one word looks like a vocabulary, a table does not
    for candidate in sorted((data, *inside), key=lambda one: not isinstance(one, dict)):
        words = _words(candidate)
        if words is not None:
            return words
    raise ZooError(
        f"{path} holds no vocabulary: expected words by index, indices by word, or a list of words"
    )


def _words(data: Any) -> tuple[str, ...] | None:
    if isinstance(data, dict) and data and all(isinstance(key, str) for key in data):
        data = {index: word for word, index in data.items() if isinstance(index, int)}
    if isinstance(data, dict) and data and all(isinstance(key, int) for key in data):
        if not all(isinstance(word, str) for word in data.values()) or min(data) < 0:
            return None
        if max(data) >= _MOST_WORDS:
            return None
        return tuple(data.get(index, f"<{index}>") for index in range(max(data) + 1))
    if (
        isinstance(data, list)
        and data
        and all(isinstance(word, str) and len(word.split()) == 1 for word in data)
    ):
        return tuple(data)
    return None
