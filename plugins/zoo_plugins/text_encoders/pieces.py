"""What encoders with a Hugging Face tokenizer share: BERT (arXiv:1810.04805), section 3, for what they read.

Letters as in zoo_registry.contracts, but L counts pieces of words; also K width of the hidden states, P
special pieces before a caption, S after it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo_registry.contracts import TextSource, Tokens
from zoo_registry.errors import ZooError

from .hub import Origin, read_folder
from .words import pad

SUBFOLDER = "text_encoder"
"""Where in a saved model's folder the configuration and the tokenizer lie."""


class Read(NamedTuple):
    """What the network has made of a batch."""

    hidden: Tensor  # [B,P+L+S,K], special pieces and all
    mask: Tensor  # [B,P+L+S] bool, True where the network has read
    words: Tensor  # [B,L,K]: of `hidden`, the captions' own pieces


class PieceEncoder(nn.Module):
    """Captions to pieces of words, and these through a network that takes `input_ids` and `attention_mask`.

    The special pieces that the tokenizer would put around a caption are put there by `read`: they are no
    words, so tokens and masks are without them. Pieces that the tokenizer does not know are left out.
    """

    def __init__(self, network: nn.Module, origin: Origin, max_words: int) -> None:
        super().__init__()
        self.network = network
        self.config, self.tokenizer = origin
        self.max_words = max_words
        self.padding: int = self.tokenizer.pad_token_id or 0
        example = self.tokenizer("a", return_special_tokens_mask=True)
        ids, special = example["input_ids"], example["special_tokens_mask"]
        before, after = special.index(0), special[::-1].index(0)
        self.register_buffer("before", torch.tensor(ids[:before]).long(), persistent=False)
        self.register_buffer("after", torch.tensor(ids[len(ids) - after :]).long(), persistent=False)
        self.before: Tensor
        self.after: Tensor
        longest = _longest(*origin) - before - after
        if max_words > longest:
            raise ZooError(
                f"text_encoder.max_words: {max_words}, but this model reads at most {longest} pieces of words"
            )

    def tokenize(self, captions: Sequence[str]) -> Tokens:
        """Captions as ids [B,L], L the longest of them. A caption without a known piece is one padding id."""
        return pad([self._pieces(caption)[: self.max_words] for caption in captions], self.padding)

    def split(self, caption: str) -> tuple[str, ...]:
        """The pieces of words that are read, in order."""
        pieces = self._pieces(caption)[: self.max_words]
        return tuple(self.tokenizer.decode([piece]).strip() for piece in pieces)

    def left_out(self, caption: str) -> int:
        """How many pieces come after the first `max_words`."""
        return max(0, len(self._pieces(caption)) - self.max_words)

    def unknown(self, caption: str) -> tuple[str, ...]:
        """The words of which the tokenizer does not know a piece, in order, each once."""
        words = dict.fromkeys(re.findall(r"\w+", caption))
        return tuple(word for word in words if self.tokenizer.unk_token_id in self._ids(word))

    def save_tokenizer(self, folder: Path) -> None:
        """Write the tokenizer and the model's configuration into the folder's `text_encoder/`."""
        self.tokenizer.save_pretrained(folder / SUBFOLDER)
        self.config.save_pretrained(folder / SUBFOLDER)

    def tokenizer_config(self) -> Mapping[str, Any]:
        """Of the tokenizer, which the library tokenizers alone can run."""
        return {
            "scheme": "pieces",
            "max_words": self.max_words,
            "padding": self.padding,
            "special": sorted(self.tokenizer.all_special_ids),
            "unknown": self.tokenizer.unk_token_id,
        }

    def read(self, tokens: Tokens) -> Read:
        """Run the network over captions of unequal lengths, none of which sees its padding."""
        ids, mask = tokens
        count, length = ids.shape
        first, extra = len(self.before), len(self.after)
        lengths = mask.sum(1, keepdim=True)  # [B,1]
        room = F.pad(ids, (0, extra), value=self.padding)  # [B,L+S]
        places = lengths + torch.arange(extra, device=ids.device)  # [B,S]
        ended = room.scatter(1, places, self.after.expand(count, -1))
        whole = torch.cat([self.before.expand(count, -1), ended], dim=1)  # [B,P+L+S]
        read = torch.arange(whole.shape[1], device=ids.device) < first + lengths + extra
        hidden = self.network(input_ids=whole, attention_mask=read.long()).last_hidden_state
        return Read(hidden, read, hidden[:, first : first + length])

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _pieces(self, caption: str) -> list[int]:
        special = self.tokenizer.all_special_ids  # the piece for unknown ones is among them
        return [piece for piece in self._ids(caption) if piece not in special]


def saved(source: TextSource) -> Origin | None:
    """The configuration and tokenizer in a saved model's folder, where that is the source."""
    return None if source.folder is None else read_folder(source.folder / SUBFOLDER, source.folder)


def _longest(config: Any, tokenizer: Any) -> int:
    """Pieces that a model can read at once, special ones among them."""
    longest: int = tokenizer.model_max_length
    return min(longest, getattr(config, "max_position_embeddings", longest))
