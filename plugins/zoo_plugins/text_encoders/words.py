"""What text encoders over a vocabulary of words share: AttnGAN (arXiv:1711.10485), section 3.2.

Letters as in zoo_registry.contracts; also E word embedding width, H width of a recurrent network's outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from zoo_registry.contracts import TextSource, Tokens
from zoo_registry.errors import ZooError

from .onnx_rnn import read_exported
from .vocabulary import PADDING, Vocabulary


class WordEncoder(nn.Module):
    """Captions to the words that the vocabulary knows, and those to vectors of `word_width` (E).

    The weights belong to the vocabulary: loading a state of another number of entries raises ZooError.
    """

    def __init__(self, source: TextSource, word_width: int, max_words: int) -> None:
        super().__init__()
        self.max_words = max_words
        self.vocabulary = vocabulary_of(source)
        self.embedding = nn.Embedding(len(self.vocabulary), word_width)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        self.register_load_state_dict_pre_hook(_same_vocabulary)  # type: ignore[no-untyped-call]

    def tokenize(self, captions: Sequence[str]) -> Tokens:
        """Captions as ids [B,L], L the longest of them. A caption without a known word is one padding id."""
        return pad([[self.vocabulary.index[word] for word in self.split(caption)] for caption in captions])

    def split(self, caption: str) -> tuple[str, ...]:
        """The known words that are read, in order."""
        return tuple(self._known(caption)[: self.max_words])

    def left_out(self, caption: str) -> int:
        """How many known words come after the first `max_words`."""
        return max(0, len(self._known(caption)) - self.max_words)

    def _known(self, caption: str) -> list[str]:
        return [word for word in self.vocabulary.split(caption) if word in self.vocabulary.index]

    def unknown(self, caption: str) -> tuple[str, ...]:
        """The words that the vocabulary does not have, in order, each once."""
        words = dict.fromkeys(self.vocabulary.split(caption))
        return tuple(word for word in words if word not in self.vocabulary.index)

    def save_tokenizer(self, folder: Path) -> None:
        """Write `vocabulary.json`."""
        self.vocabulary.save(folder)

    def tokenizer_config(self) -> Mapping[str, Any]:
        """Of the vocabulary."""
        return {"scheme": "words", "max_words": self.max_words, "padding": 0}


def vocabulary_of(source: TextSource) -> Vocabulary:
    """A saved model's vocabulary, one of unknown words, or that of the training captions."""
    if source.folder is not None:
        return Vocabulary.load(source.folder)
    if source.words is not None:
        return Vocabulary((PADDING, *source.words[1:]))
    if source.entries is not None:
        return Vocabulary.unnamed(source.entries)
    return Vocabulary.build(source.captions)


def pad(rows: Sequence[Sequence[int]], padding: int = 0) -> Tokens:
    """Rows of ids as a batch [B,L], L the longest of them. An empty row is one padding id, masked True."""
    filled = [[*row] or [padding] for row in rows]
    length = max(map(len, filled))
    ids = torch.tensor([row + [padding] * (length - len(row)) for row in filled])
    mask = torch.arange(length) < torch.tensor([[len(row)] for row in filled])  # [L] < [B,1]
    return Tokens(ids, mask)


def read_to_the_end(rnn: nn.RNNBase, embedded: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Run a recurrent network over captions of unequal lengths, none of which sees its padding, in float32.

    `embedded` is [B,L,E]. Returns the outputs [B,L,H], 0 where padded, and the last states [layers,B,H / 2]
    or [layers,B,H], two a layer where the network reads both ways.
    """
    if torch.onnx.is_in_onnx_export():
        return read_exported(rnn, embedded, mask.sum(1))
    packed = pack_padded_sequence(embedded, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
    outputs, state = in_float32(rnn, packed)
    hidden = state[0] if isinstance(state, tuple) else state  # LSTM also returns its cells
    words, _ = pad_packed_sequence(outputs, batch_first=True, total_length=mask.shape[1])
    return words, hidden


def in_float32(rnn: nn.Module, inputs: Any) -> Any:
    """What a recurrent network gives for inputs [B,L,E] or packed ones, in the type of its weights.

    Under autocast rounding would add up over the words, and cuDNN would compute in float16 where bf16 was
    asked for.
    """
    weight = next(rnn.parameters())
    with torch.autocast(weight.device.type, enabled=False):
        return rnn(inputs.to(weight.dtype))


def _same_vocabulary(module: WordEncoder, state: Mapping[str, Tensor], prefix: str, *_: Any) -> None:
    """Refuse weights of another vocabulary before torch would list shapes. A load_state_dict pre-hook."""
    weight = state.get(f"{prefix}embedding.weight")
    if weight is not None and len(weight) != len(module.vocabulary):
        raise ZooError(
            f"text_encoder: the weights know {len(weight)} words, the vocabulary has "
            f"{len(module.vocabulary)}; the two must come from one model"
        )
