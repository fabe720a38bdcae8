"""Character-level text encoder: Reed et al. (arXiv:1605.05395), section 4; the authors' code for its sizes.

Letters as in zoo_registry.contracts; also S recurrent steps, W width of the recurrent network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_registry.contracts import Text, TextEncoder, TextSource, TextSpec, Tokens

from .words import in_float32

SYMBOLS = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+-=<>()[]{} "
"""What the encoder knows, in the order of its input channels; '-' comes twice, and the second is in use."""

LENGTH = 201
"""Characters of a caption that are read."""

_INDEX = {symbol: index for index, symbol in enumerate(SYMBOLS)}
_NONE = -1  # no channel is on: beyond the caption's end, or a character that is no symbol
_KERNEL = 4
_POOLS = ((3, 3), (3, 3), (3, 2))  # width and stride


class CharCNNRNN(nn.Module, TextEncoder):
    """Characters by convolutions, what these find by a recurrent network: a sentence [B,D], maybe words too.

    width: D, of the sentence. channels: of the three convolutions; the last are W.
    poolings: convolutions that are followed by max pooling. With 3 the recurrent network takes S = 8 steps,
        with 2 it takes 18 ("Long" in the authors' code).
    cell: "rnn": ReLU(i2h(x) + h2h(h)). "gru": a gated recurrent unit.
    steps_as_words: give the states of the recurrent network as words, projected to D where W differs. A step
        reads 66 characters (48 where S = 18), its neighbours some of them again; `split` gives these slices
        of the caption.

    The authors' networks: that of arXiv:1605.05395 is the default; with arXiv:1605.05396 came, for flowers,
    channels = [384, 512, 512], and for birds also poolings = 2 and cell = "gru".

    There is no vocabulary to learn: 70 symbols, of which 69 are in use. Captions are lower-cased, which the
    authors' demonstration leaves out, so that it reads capitals as nothing. Other characters keep their place
    and turn no channel on.
    """

    def __init__(
        self,
        source: TextSource,
        /,
        *,
        width: PositiveInt = 1024,
        channels: tuple[PositiveInt, PositiveInt, PositiveInt] = (384, 512, 256),
        poolings: Literal[2, 3] = 3,
        cell: Literal["rnn", "gru"] = "rnn",
        steps_as_words: bool = False,
    ) -> None:
        super().__init__()
        self.spec = TextSpec(width, words=steps_as_words)
        inputs = (len(SYMBOLS), *channels[:2])
        self.convolutions = nn.ModuleList(
            nn.Conv1d(in_channels, out_channels, _KERNEL)
            for in_channels, out_channels in zip(inputs, channels, strict=True)
        )
        self.poolings = poolings
        self.receptive_field, self.stride, self.steps = _steps(poolings)
        self.recurrence = {"rnn": PlainRecurrence, "gru": GatedRecurrence}[cell](channels[-1])
        self.projection = nn.Linear(channels[-1], width)
        if steps_as_words:
            self.word_projection = (
                nn.Identity() if channels[-1] == width else nn.Linear(channels[-1], width, bias=False)
            )
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.08, 0.08)

    def tokenize(self, captions: Sequence[str]) -> Tokens:
        """Captions as indices of `SYMBOLS` [B,201], -1 where there is none of them, which is masked."""
        rows = [_indices(caption) for caption in captions]
        ids = torch.tensor([row + [_NONE] * (LENGTH - len(row)) for row in rows])
        mask = ids != _NONE
        mask[:, 0] |= ~mask.any(1)
        return Tokens(ids, mask)

    def split(self, caption: str) -> tuple[str, ...]:
        """The known characters; where steps are words, what each step that begins in the caption reads."""
        indices = _indices(caption)
        if not self.spec.words:
            return tuple(SYMBOLS[index] for index in indices if index != _NONE)
        end = max((place + 1 for place, index in enumerate(indices) if index != _NONE), default=0)
        read = caption.lower()[:end]
        starts = range(0, min(end, self.steps * self.stride), self.stride)
        return tuple(read[start : start + self.receptive_field] for start in starts)

    def unknown(self, caption: str) -> tuple[str, ...]:
        """The characters that are no symbols, in order, each once."""
        return tuple(dict.fromkeys(c for c in caption.lower() if c not in _INDEX))

    def left_out(self, caption: str) -> int:
        """How many characters come after the first 201."""
        return max(0, len(caption.lower()) - LENGTH)

    def save_tokenizer(self, folder: Path) -> None:
        """Nothing to write: the symbols are always the same."""

    def tokenizer_config(self) -> Mapping[str, Any]:
        """Of the symbols."""
        return {"scheme": "characters", "symbols": SYMBOLS, "length": LENGTH, "padding": _NONE}

    def forward(self, tokens: Tokens) -> Text:
        """Read a batch. Each caption is read to position 201, so none depends on its neighbours."""
        ids = tokens.ids
        symbols = torch.arange(len(SYMBOLS), device=ids.device)
        hidden = (ids[:, None] == symbols[:, None]).to(self.projection.weight.dtype)  # [B,70,201]
        for place, convolution in enumerate(self.convolutions):
            hidden = F.relu(convolution(hidden))
            if place < self.poolings:
                hidden = F.max_pool1d(hidden, *_POOLS[place])
        states = in_float32(self.recurrence, hidden.transpose(1, 2))  # [B,W,S] -> [B,S,W]
        sentence = self.projection(states.mean(1))
        if not self.spec.words:
            return Text(sentence)
        places = torch.arange(1, LENGTH + 1, device=ids.device)
        ends = ((ids != _NONE) * places).amax(1, keepdim=True).clamp(min=1)  # [B,1]
        mask = torch.arange(self.steps, device=ids.device) * self.stride < ends  # [B,S]
        return Text(sentence, self.word_projection(states) * mask[:, :, None], mask)


class PlainRecurrence(nn.Module):
    """h_t = ReLU(i2h(x_t) + h2h(h_{t-1})), h_0 = ReLU(i2h(x_0)), which torch's own would give h2h's bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.i2h = nn.Linear(width, width)
        self.h2h = nn.Linear(width, width)

    def forward(self, inputs: Tensor) -> Tensor:
        """[B,S,W] to the states after each step, [B,S,W]."""
        first, *later = self.i2h(inputs).unbind(1)
        states = [F.relu(first)]
        for step in later:
            states.append(F.relu(step + self.h2h(states[-1])))
        return torch.stack(states, dim=1)


class GatedRecurrence(nn.Module):
    """A gated recurrent unit (arXiv:1406.1078) whose first state is its candidate, tanh(i2h(x_0)).

    Rows of `i2h`: update gate, reset gate, candidate; of `gates`: update and reset. Unlike torch's own it
    resets the state before `h2h`, not after, and the update gate is the candidate's share.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.i2h = nn.Linear(width, 3 * width)
        self.gates = nn.Linear(width, 2 * width)
        self.h2h = nn.Linear(width, width)

    def forward(self, inputs: Tensor) -> Tensor:
        """[B,S,W] to the states after each step, [B,S,W]."""
        width = self.h2h.in_features
        first, *later = self.i2h(inputs).unbind(1)
        states = [first[:, 2 * width :].tanh()]
        for step in later:
            state = states[-1]
            update, reset = (step[:, : 2 * width] + self.gates(state)).sigmoid().chunk(2, dim=1)
            candidate = (step[:, 2 * width :] + self.h2h(reset * state)).tanh()
            states.append(state + update * (candidate - state))
        return torch.stack(states, dim=1)


def _indices(caption: str) -> list[int]:
    return [_INDEX.get(character, _NONE) for character in caption.lower()[:LENGTH]]


def _steps(poolings: int) -> tuple[int, int, int]:
    """Receptive field of a recurrent step in characters, the stride between two steps, and their count."""
    receptive_field, stride = 1, 1
    for place, (width, step) in enumerate(_POOLS):
        receptive_field += (_KERNEL - 1) * stride
        if place < poolings:
            receptive_field += (width - 1) * stride
            stride *= step
    return receptive_field, stride, (LENGTH - receptive_field) // stride + 1
