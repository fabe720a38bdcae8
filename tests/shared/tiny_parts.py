"""Settings with which each part is very small."""

from __future__ import annotations

from typing import Any

from tiny_clip import whole_clip
from tiny_networks import inception_weights, timm_weights
from tiny_transformer import tiny_clip

TINY: dict[str, dict[str, Any]] = {
    "text_encoder/bilstm": {"width": 16, "word_width": 8},
    "text_encoder/lstm": {"width": 16, "word_width": 8},
    "text_encoder/char-cnn-rnn": {"width": 16, "channels": [8, 8, 8]},
    "text_encoder/transformer": {"width": 16, "layers": 1, "heads": 2},
    "text_encoder/clip-text": {"model": tiny_clip},  # a function: its folder is made when the test runs
    "image_encoder/timm": {"model": "test_resnet", "pretrained": False, "trunk": "tuned", "resolution": 64},
    "conditioning/augmentation": {"width": 8},
    "conditioning/projection": {"width": 8},
    "generator/progressive": {"depth": 3, "width": 16, "latent_width": 32},
    "generator/progressive-attention": {
        "depth": 3,
        "width": 16,
        "latent_width": 32,
        "attention_resolutions": [4, 8],
    },
    # one image a group, so that its score does not depend on the others, as it otherwise does by design
    "discriminator/progressive": {"width": 16, "deviation_group": 1},
    "generator/modulated": {
        "depth": 2,
        "width": 16,
        "noise_width": 8,
        "style_width": 16,
        "attention_resolutions": [4, 8],
    },
    "discriminator/contrastive": {"width": 16, "joint_width": 8, "deviation_group": 1},
    "image_encoder/residual": {"resolution": 64, "width": 16},
    "generator/attention-stages": {"resolutions": [16, 32], "base_channels": 8, "noise_width": 8},
    "generator/joint-stages": {"resolutions": [16, 32], "base_channels": 8, "noise_width": 8},
    "generator/dcgan": {"resolution": 32, "base_channels": 8, "noise_width": 8},
    "generator/dcgan-residual": {"resolution": 32, "base_channels": 8, "noise_width": 8},
    "generator/memory-stages": {"resolutions": [16, 32], "base_channels": 8, "noise_width": 8},
    "generator/deep-fusion": {"resolution": 32, "base_channels": 4, "noise_width": 8},
    "discriminator/pyramid": {"base_channels": 8},
    "loss/clip-similarity": {"model": whole_clip},
    "discriminator/one-way": {"base_channels": 4},
    "discriminator/projected": {"model": "test_resnet", "pretrained": False, "resolution": 64, "width": 8},
    "discriminator/dcgan": {"base_channels": 8, "text_width": 8, "norm": "spectral"},
    "discriminator/dcgan-residual": {"base_channels": 8, "text_width": 8},
    "image_encoder/conv": {"base_channels": 8},
    "metric/inception-score": {"splits": 5},
    "metric/kid": {"subsets": 5, "subset_size": 20},
    "metric/r-precision": {"candidates": 10},
    "metric/clip-score": {"model": whole_clip},
    "extractor/inception": {"weights": inception_weights},
    "extractor/timm": {"model": timm_weights},
    "extractor/judge": {"images": 64},
    "extractor/matcher": {"model": "made-up"},
}


def tiny(part: str) -> dict[str, Any]:
    """The settings of KIND/NAME."""
    return {key: value() if callable(value) else value for key, value in TINY.get(part, {}).items()}
