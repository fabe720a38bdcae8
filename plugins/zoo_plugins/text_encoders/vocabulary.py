"""The vocabulary of word-level text encoders: AttnGAN (arXiv:1711.10485), authors' code."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from nltk.tokenize import RegexpTokenizer

from zoo_registry.errors import ZooError

FILE = "vocabulary.json"
PADDING = "<end>"  # index 0, as in AttnGAN's captions.pickle

_FORMAT = 1
_TOKENIZER = {"pattern": r"\w+", "lower": True}
_tokenize = RegexpTokenizer(r"\w+").tokenize


class Vocabulary:
    """Words and their indices; index 0 is padding.

    `words`: every word in the order of its index, the first "<end>".
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self.index = {word: i for i, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def build(cls, captions: Iterable[str]) -> Vocabulary:
        """Every word of the captions, the frequent first and equally frequent ones by alphabet."""
        counts = Counter(word for caption in captions for word in cls.split(caption))
        if not counts:
            raise ZooError(
                "a vocabulary cannot be built: there are no captions with a word in them; "
                "give the training captions, or the folder of a saved model"
            )
        return cls((PADDING, *sorted(counts, key=lambda word: (-counts[word], word))))

    @classmethod
    def unnamed(cls, entries: int) -> Vocabulary:
        """`entries` indices without words: old weights whose vocabulary is lost, which read no caption."""
        return cls((PADDING, *(f"<{i}>" for i in range(1, entries))))

    @staticmethod
    def split(caption: str) -> list[str]:
        r"""The words of a caption, known or not: lower case, runs of `\w`."""
        return list(_tokenize(caption.lower()))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the words in order: two vocabularies with the same fingerprint number alike."""
        return hashlib.sha256("\n".join(self.words).encode()).hexdigest()

    def save(self, folder: Path) -> None:
        """Write `vocabulary.json` into the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        content = {"format": _FORMAT, "tokenizer": _TOKENIZER, "words": self.words}
        text = json.dumps(content, ensure_ascii=False, indent=0) + "\n"
        (folder / FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Vocabulary:
        """Read what `save` wrote; ZooError if the file is missing, damaged, or of a later zoo."""
        path = folder / FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ZooError(
                f"{path}: no such file; a model with a word-level text encoder holds one"
            ) from None
        except (OSError, ValueError) as error:
            raise ZooError(
                f"{path}: cannot be read as JSON ({error}); take it anew from where the model came from"
            ) from None
        if not isinstance(content, dict) or not isinstance(content.get("format"), int):
            raise ZooError(
                f"{path}: not a vocabulary; it would be an object with 'format', 'tokenizer' and 'words'"
            )
        if content["format"] > _FORMAT:
            raise ZooError(
                f"{path}: format {content['format']}, this zoo reads up to {_FORMAT}; upgrade t2i-zoo"
            )
        if content.get("tokenizer") != _TOKENIZER:
            raise ZooError(f"{path}: tokenizer {content.get('tokenizer')!r}, this zoo knows {_TOKENIZER!r}")
        words = content.get("words")
        if (
            not isinstance(words, list)
            or not all(isinstance(word, str) for word in words)
            or words[:1] != [PADDING]
        ):
            raise ZooError(f"{path}: 'words' is not a list of words that begins with {PADDING!r}")
        if len(set(words)) < len(words):
            twice = next(word for word, count in Counter(words).items() if count > 1)
            raise ZooError(f"{path}: 'words' holds {twice!r} more than once; each word has one index")
        return cls(words)
