"""Reading Hugging Face models (transformers, arXiv:1910.03771): from a folder, or from the Hub by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import snapshot_download
from transformers import AutoConfig, AutoTokenizer
from transformers.utils import logging

from zoo_registry.errors import ZooError

_SMALL: list[str] = ["*.json", "*.txt", "*.model"]  # configuration and tokenizer, whatever its format


class Origin(NamedTuple):
    """What is read of a model before its weights."""

    config: Any
    tokenizer: Any


def fetch(model: str, *, weights: bool) -> Path:
    """The folder of a model: `model` itself where it is one, else what the Hub has under that name.

    weights: whether its weights are fetched too. What was fetched once needs no network again. ZooError
    where the model is neither here nor in reach.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    try:
        patterns = [*_SMALL, "*.safetensors"] if weights else _SMALL
        return Path(snapshot_download(model, allow_patterns=patterns, ignore_patterns=["*/*"]))
    except (OSError, ValueError) as error:  # not in reach, no such model, no such name
        raise ZooError(
            f"text_encoder.model: {model!r} is no folder here, and the Hugging Face Hub does not give it "
            f"({first_line(error)}); the folder of a model saved with transformers serves without a network"
        ) from None


def read_folder(folder: Path, what: str | Path) -> Origin:
    """The configuration and the tokenizer in a folder. `what`: the model as the user knows it."""
    if not (folder / "config.json").is_file():
        raise ZooError(
            f"text_encoder: {what} holds no transformers model: {folder / 'config.json'} is not there"
        )
    try:
        return Origin(
            AutoConfig.from_pretrained(folder, trust_remote_code=False),
            AutoTokenizer.from_pretrained(folder, trust_remote_code=False),
        )
    except (OSError, ValueError) as error:
        raise ZooError(
            f"text_encoder: the configuration or the tokenizer of {what} cannot be read "
            f"({first_line(error)}); take them anew from where the model came from"
        ) from None


def load(architecture: Any, folder: Path, model: str) -> Any:
    """The model of a folder with its weights, which are safetensors: pickles are never read.

    architecture: a class of transformers that has `from_pretrained`. ZooError where weights are missing.
    """
    with quiet():
        try:
            network, found = architecture.from_pretrained(
                folder, use_safetensors=True, output_loading_info=True
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise ZooError(
                f"text_encoder.model: the weights of {model} cannot be read ({first_line(error)}); "
                "model.safetensors is what would be right"
            ) from None
    missing = sorted(name for name in found["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise ZooError(
            f"text_encoder.model: the file of {model} holds other weights than its configuration asks for: "
            f"{missing[0]} is missing, the first of {len(missing)}"
        )
    return network


@contextmanager
def quiet() -> Iterator[None]:
    """No bar and no table of the weights that an encoder does not use: a head for another task."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def first_line(error: Exception) -> str:
    """What an error says, shortly."""
    return (str(error) or type(error).__name__).splitlines()[0]
