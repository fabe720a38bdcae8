"""What the original systems compute: numbers of their own code, in eval mode, on the CPU, in float32.

data/NAME.json: the system, its part, its dimensions; names and shapes of its state and of inputs not stored.
data/NAME.safetensors: the other inputs and the answers. Large answers are thinned: images and attention maps
to every third row and column, regions to every fourth channel.

Weights and inputs are not stored: each is a pure function of its name.
"""

import json
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

DATA = Path(__file__).parent / "data"


class Parity(NamedTuple):
    state: dict[str, Tensor]  # the original's names, of the first part; empty for losses
    dims: dict[str, Any]
    arrays: dict[str, Tensor]  # inputs and answers; a mask is True where there is padding
    states: dict[str, dict[str, Tensor]]  # of every part


@pytest.fixture(scope="session")
def parity() -> Callable[[str], Parity]:
    def read(name: str) -> Parity:
        notes = json.loads((DATA / f"{name}.json").read_text())
        generated = {
            key: torch.from_numpy(_uniform(f"input:{key}", int(np.prod(shape)))).float().view(shape)
            for key, shape in notes["inputs"].items()
        }
        unit = notes.get("unit_scale", False)
        states = {
            part: {key: torch.from_numpy(_weight(key, shape, unit)) for key, shape in entries}
            for part, entries in notes["state"].items()
        }
        arrays = {**generated, **load_file(DATA / f"{name}.safetensors")}
        return Parity(next(iter(states.values()), {}), notes["dims"], arrays, states)

    return read


@pytest.fixture(scope="session")
def near() -> Callable[..., None]:
    def check(ours: Tensor, original: Tensor, tolerance: float) -> None:
        """The largest absolute difference, relative to the original's largest value."""
        assert ours.shape == original.shape
        worst = (ours - original).abs().max() / original.abs().max()
        assert worst <= tolerance, f"{worst:.2e} from the original, {tolerance:.0e} is allowed"

    return check


def _uniform(name: str, count: int) -> np.ndarray:
    """`count` values in [-1, 1): splitmix64 over a counter that starts at the name's checksum."""
    seed = np.uint64(zlib.crc32(name.encode())) << np.uint64(32)
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64
        bits = (np.arange(1, count + 1, dtype=np.uint64) + seed) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits ^= bits >> np.uint64(31)
    return (bits >> np.uint64(11)).astype(np.float64) / 2.0**52 - 1.0


def _weight(name: str, shape: Sequence[int], unit: bool) -> np.ndarray:
    """Unit fan-in for matrices and kernels, near 1 for gains and variances, near 0 for the rest.

    unit: matrices and kernels of unit variance instead, for layers that scale at run time.
    """
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, dtype=np.int64)
    values = _uniform(name, int(np.prod(shape))).reshape(shape)
    if leaf == "running_var":
        values = 1.0 + 0.5 * values
    elif len(shape) >= 2:
        values = values * np.sqrt(3.0 / (1 if unit else np.prod(shape[1:])))
    elif leaf == "weight":
        values = 1.0 + 0.1 * values
    else:
        values = 0.1 * values
    return values.astype(np.float32)
