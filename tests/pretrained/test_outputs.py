"""The shipped models keep generating the same images.

`python tests/pretrained/test_outputs.py` writes the images anew, for a change that is meant.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import zoo

IMAGES = Path(__file__).with_name("outputs.safetensors")
CAPTIONS = {
    "aviary": ["a small blue bird with a long orange beak", "a bird with a red head and a white belly"],
    "garden": ["a red flower with rounded petals", "this flower has many pointed yellow petals"],
    "portraits": ["a person in a blue shirt", "she has red hair and wears earrings"],
}


def images(name: str) -> torch.Tensor:
    """One image per caption, [2,3,R,R]."""
    return zoo.load(name, device="cpu").generate(CAPTIONS[name], seed=7).images[-1].contiguous()


@pytest.mark.parametrize("name", CAPTIONS)
def test_a_shipped_model_still_generates_the_same_images(name: str) -> None:
    torch.testing.assert_close(images(name), load_file(IMAGES)[name], rtol=0, atol=1e-5)


if __name__ == "__main__":
    save_file({name: images(name) for name in CAPTIONS}, IMAGES)
