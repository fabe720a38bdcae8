"""Random numbers as pure functions of a seed and of what they are for."""

from __future__ import annotations

import zlib

import numpy as np
import torch


def mix(*key: int | str) -> int:
    """A 63-bit seed from a key, such as (seed, step, "noise"); near keys give unrelated seeds."""
    words = [zlib.crc32(k.encode()) if isinstance(k, str) else k for k in key]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> 1)


def generator(*key: int | str) -> torch.Generator:
    """A CPU generator for a key."""
    return torch.Generator().manual_seed(mix(*key))
