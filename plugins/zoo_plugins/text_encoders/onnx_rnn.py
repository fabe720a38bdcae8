"""Recurrent networks over captions of unequal lengths, for torch.onnx.export alone.

torch.export cannot follow a packed sequence. ONNX's LSTM and GRU take the lengths themselves: outputs are 0
beyond a caption's end, and the way back begins at its own last word.

Letters as in zoo_registry.contracts; also E input width, H hidden states of a direction, W directions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# the rows of torch's gates in ONNX's order
_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}  # i f g o -> i o f c; r z n -> z r h


def read_exported(rnn: nn.RNNBase, embedded: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
    """Outputs [B,L,W*H] and last states [layers*W,B,H], as the network gives them for packed sequences.

    `embedded` is [B,L,E]. lengths: [B] int64; None: every caption is L long.
    """
    ways = 2 if rnn.bidirectional else 1
    ends = None if lengths is None else lengths.to(torch.int32)
    hidden = embedded.transpose(0, 1)  # [L,B,E]
    length, count = hidden.shape[:2]
    last = []
    for layer in range(rnn.num_layers):
        outputs, state = torch.onnx.ops.symbolic_multi_out(
            rnn.mode,
            (hidden, *_weights(rnn, layer), ends),
            {
                "hidden_size": rnn.hidden_size,
                "direction": "bidirectional" if rnn.bidirectional else "forward",
                # GRU: the reset gate after h2h, as torch has it
                **({"linear_before_reset": 1} if rnn.mode == "GRU" else {}),
            },
            dtypes=(hidden.dtype, hidden.dtype),
            shapes=((length, ways, count, rnn.hidden_size), (ways, count, rnn.hidden_size)),
        )
        hidden = outputs.transpose(1, 2).flatten(2)  # [L,W,B,H] -> [L,B,W*H]
        last.append(state)
    return hidden.transpose(0, 1), torch.cat(last)


def _weights(rnn: nn.RNNBase, layer: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of a layer: [W,gates*H,E], [W,gates*H,H], and both biases in a row, [W,2*gates*H]."""
    ways = ("", "_reverse") if rnn.bidirectional else ("",)

    def stacked(name: str) -> Tensor:
        return torch.stack([_in_order(rnn, getattr(rnn, f"{name}_l{layer}{way}")) for way in ways])

    biases = torch.cat([stacked("bias_ih"), stacked("bias_hh")], dim=1)
    return stacked("weight_ih"), stacked("weight_hh"), biases


def _in_order(rnn: nn.RNNBase, parameter: Tensor) -> Tensor:
    gates = parameter.unflatten(0, (-1, rnn.hidden_size))  # [gates,H,…]
    return torch.cat([gates[place] for place in _GATES[rnn.mode]])
