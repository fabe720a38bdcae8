"""Old files, read without running what they hold: checkpoints of tensors, pickles of plain data."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from zoo_registry import ZooError

from ..models import weights

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
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise ZooError(f"{path} cannot be read as a checkpoint: {error}") from None
    while isinstance(data, Mapping):
        inner = [data[key] for key in _WRAPPERS if isinstance(data.get(key), Mapping)]
        if not inner:
            return data
        data = inner[0]
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
    except (pickle.UnpicklingError, OSError, EOFError, ValueError, IndexError, AttributeError) as error:
        raise ZooError(
            f"{path} is refused as a vocabulary: only lists, dicts, strings and numbers are read ({error})"
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
        return tuple(data.get(index, f"<{index}>") for index in range(max(data) + 1))
    if (
        isinstance(data, list)
        and data
        and all(isinstance(word, str) and len(word.split()) == 1 for word in data)
    ):
        return tuple(data)
    return None
