"""Reading Hugging Face models (transformers, arXiv:1910.03771): from a folder, or from the Hub by name.

A model's files are anybody's, and a configuration may name code that transformers would fetch and run
(`auto_map`, `attn_implementation`, adapters, quantizers). So what files may say is listed here, and the rest
is left out.
"""

from __future__ import annotations

import inspect
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import snapshot_download
from safetensors.torch import load_file
from transformers import CONFIG_MAPPING, MODEL_MAPPING, AutoTokenizer, PreTrainedConfig
from transformers.utils import logging

from zoo_registry.errors import ZooError, first_line
from zoo_registry.text import expanded, read_json

# fmt: off
MODELS = frozenset((
    "albert", "bert", "big_bird", "camembert", "clip", "clip_text_model", "clip_vision_model",
    "convbert", "deberta", "deberta-v2", "distilbert", "electra", "ernie", "longformer", "mpnet",
    "mt5", "roberta", "roberta-prelayernorm", "squeezebert", "t5", "umt5", "xlm", "xlm-roberta",
))
# fmt: on
"""The architectures that are read. A configuration sets sizes; it cannot fetch or run code."""

# fmt: off
TOKENIZERS = frozenset((
    "AlbertTokenizer", "BertTokenizer", "BigBirdTokenizer", "CLIPTokenizer", "CamembertTokenizer",
    "DebertaTokenizer", "DebertaV2Tokenizer", "MPNetTokenizer", "PreTrainedTokenizerFast",
    "RobertaTokenizer", "T5Tokenizer", "TokenizersBackend", "XLMRobertaTokenizer",
))
# fmt: on
# fmt: off
_TOKENIZER_FILES = (
    "tokenizer.json", "vocab.txt", "vocab.json", "merges.txt", "added_tokens.json",
    "special_tokens_map.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
)
# fmt: on
# fmt: off
_TOKENIZER_SETTINGS = frozenset((
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
    "additional_special_tokens", "added_tokens_decoder", "model_max_length", "do_lower_case",
    "strip_accents", "tokenize_chinese_chars", "add_prefix_space", "clean_up_tokenization_spaces",
    "extra_ids", "keep_accents", "remove_space",
))
# fmt: on
_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"
_SMALL = ["*.json", "*.txt", "*.model"]  # configuration and tokenizer, whatever its format


class Origin(NamedTuple):
    """What is read of a model before its weights."""

    config: Any
    tokenizer: Any


def fetch(model: str, place: str, *, weights: bool) -> Path:
    """The folder of a model: `model` itself where it is one, else what the Hub has under that name.

    place: the setting that names it, as users know it. weights: whether its weights are fetched too. What was
    fetched once needs no network again. ZooError where the model is neither here nor in reach.
    """
    folder = expanded(model)
    if folder.is_dir():
        return folder
    try:
        patterns = [*_SMALL, "*.safetensors"] if weights else _SMALL
        return Path(snapshot_download(model, allow_patterns=patterns, ignore_patterns=["*/*"]))
    except (OSError, ValueError) as error:  # not in reach, no such model, no such name
        raise ZooError(
            f"{place}: {model!r} is no folder here, and the Hugging Face Hub does not give it "
            f"({first_line(error)}); the folder of a model saved with transformers serves without a network"
        ) from None


def read_folder(folder: Path, what: str | Path, place: str = "text_encoder") -> Origin:
    """The configuration and the tokenizer in a folder. `what`: the model as the user knows it."""
    if not (folder / "config.json").is_file():
        raise ZooError(f"{place}: {what} holds no transformers model: {folder / 'config.json'} is not there")
    try:
        config = _config(_json_object(folder / "config.json"))
        return Origin(config, _tokenizer(folder, config))
    except (OSError, ValueError) as error:
        raise ZooError(
            f"{place}: the configuration or the tokenizer of {what} cannot be read "
            f"({first_line(error)}); take them anew from where the model came from"
        ) from None


def build(config: Any, architecture: Any = None) -> Any:
    """A model of a configuration with fresh weights. architecture: its class; None: that without a head."""
    architecture = architecture or MODEL_MAPPING[type(config)]
    try:
        return _called(architecture._from_config, config, attn_implementation=_attention(architecture))
    except ValueError as error:
        raise ZooError(f"text_encoder: its configuration cannot be built: {first_line(error)}") from None


def load(config: Any, folder: Path, model: str, place: str, architecture: Any = None) -> Any:
    """The same with the weights of a folder, which are safetensors: pickles are never read.

    ZooError where weights are missing.
    """
    architecture = architecture or MODEL_MAPPING[type(config)]
    try:
        state: dict[str, Any] = {}
        for file in _weight_files(folder):
            state |= _called(load_file, file)
        with quiet():
            network, found = _called(
                architecture.from_pretrained,
                None,
                config=config,
                state_dict=state,
                attn_implementation=_attention(architecture),
                output_loading_info=True,
            )
    except (OSError, ValueError) as error:
        raise ZooError(
            f"{place}: the weights of {model} cannot be read ({first_line(error)}); expected {_WEIGHTS}"
        ) from None
    missing = sorted(name for name in found["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise ZooError(
            f"{place}: the file of {model} holds other weights than its configuration asks for: "
            f"{missing[0]} is missing, the first of {len(missing)}"
        )
    return network


def _called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a function of a library returns. ValueError for whatever it raises: odd files raise anything."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        raise ValueError(first_line(error)) from error


def _attention(architecture: Any) -> str:
    return "sdpa" if architecture._supports_sdpa else "eager"


def _json_object(path: Path) -> dict[str, Any]:
    found = read_json(path)
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} is not a JSON object")
    return found


def _config(found: Mapping[str, Any]) -> Any:
    """A configuration: of the file the settings that its architecture, one of `MODELS`, declares."""
    kind = found.get("model_type")
    if not isinstance(kind, str) or kind not in MODELS:
        raise ValueError(f"its model_type is {kind!r}; expected one of {', '.join(sorted(MODELS))}")
    architecture: Any = CONFIG_MAPPING[kind]
    base = inspect.signature(PreTrainedConfig).parameters
    declared = (
        inspect.signature(architecture).parameters.keys() - base.keys() | architecture.attribute_map.keys()
    )
    settings = {name: found[name] for name in declared & found.keys() if _plain(found[name])}
    for name, part in architecture.sub_configs.items():
        if isinstance(found.get(name), dict):
            settings[name] = _config(found[name] | {"model_type": part.model_type}).to_dict()
    return _called(architecture, **settings)


def _plain(value: Any) -> bool:
    """Whether a setting is a number, a text or a list of them."""
    return all(
        one is None or isinstance(one, bool | int | float | str)
        for one in (value if isinstance(value, list) else [value])
    )


def _tokenizer(folder: Path, config: Any) -> Any:
    """The tokenizer, read from a folder with nothing but a tokenizer's files and the listed settings."""
    settings = folder / "tokenizer_config.json"
    found = _json_object(settings) if settings.is_file() else {}
    kept = {name: value for name, value in found.items() if name in _TOKENIZER_SETTINGS}
    if str(found.get("tokenizer_class")).removesuffix("Fast") in TOKENIZERS | {"PreTrainedTokenizer"}:
        kept["tokenizer_class"] = found["tokenizer_class"]
    with tempfile.TemporaryDirectory() as clean:
        for name in _TOKENIZER_FILES:
            if (folder / name).is_file():
                shutil.copyfile(folder / name, Path(clean, name))
        Path(clean, settings.name).write_text(json.dumps(kept), "utf-8")
        # the configuration decides the tokenizer's class where the settings do not
        _called(config.save_pretrained, clean)
        tokenizer = _called(
            AutoTokenizer.from_pretrained, clean, trust_remote_code=False, local_files_only=True
        )
    if not tokenizer.is_fast:
        raise ValueError("its tokenizer is not one of the library tokenizers; expected a tokenizer.json")
    return tokenizer


def _weight_files(folder: Path) -> list[Path]:
    if (folder / _WEIGHTS).is_file() or not (folder / _INDEX).is_file():
        return [folder / _WEIGHTS]
    files = _json_object(folder / _INDEX).get("weight_map")
    if not isinstance(files, dict) or not all(isinstance(name, str) for name in files.values()):
        raise ValueError(f"{_INDEX} does not map weights to files")
    return [folder / Path(name).name for name in sorted(set(files.values()))]


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
