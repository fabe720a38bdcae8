"""A whole CLIP (arXiv:2103.00020), section 2.3, of transformers: images and captions in one space.

Letters as in zoo_registry.contracts; also E the width of the common space.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPConfig, CLIPModel
from transformers.utils.constants import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from zoo_registry.errors import ZooError

from .text_encoders.hub import fetch, load, read_folder


class FrozenCLIP(nn.Module):
    """A CLIP that sees and reads, and does not learn.

    model: its name on the Hub or a local folder. place: the setting that names it, as users know it.

    Captions longer than the model reads (77 tokens) are cut. Raises ZooError where the model cannot be had.
    """

    def __init__(self, model: str, place: str) -> None:
        super().__init__()
        self.clip, self.tokenizer = _load(model, place)
        self.clip.requires_grad_(False).eval()
        self.resolution: int = self.clip.config.vision_config.image_size
        self.longest: int = self.clip.config.text_config.max_position_embeddings
        # [-1, 1] to CLIP's own range: ((x + 1) / 2 - mean) / std
        mean, std = torch.tensor(OPENAI_CLIP_MEAN), torch.tensor(OPENAI_CLIP_STD)
        self.register_buffer("scale", (0.5 / std).view(3, 1, 1), persistent=False)
        self.register_buffer("shift", ((0.5 - mean) / std).view(3, 1, 1), persistent=False)
        self.scale: Tensor
        self.shift: Tensor

    def see(self, images: Tensor) -> Tensor:
        """Images [B,3,R,R] in [-1, 1] to unit vectors [B,E]."""
        sized = F.interpolate(
            images.float(), size=(self.resolution, self.resolution), mode="bicubic", antialias=True
        )
        pooled = self.clip.vision_model(pixel_values=sized * self.scale + self.shift).pooler_output
        return F.normalize(self.clip.visual_projection(pooled).float(), dim=1)

    @torch.no_grad()
    def read(self, captions: Sequence[str]) -> Tensor:
        """Captions to unit vectors [B,E]."""
        tokens = self.tokenizer(
            list(captions), padding=True, truncation=True, max_length=self.longest, return_tensors="pt"
        ).to(self.scale.device)
        text = self.clip.text_model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
        return F.normalize(self.clip.text_projection(text.pooler_output).float(), dim=1)


def _load(model: str, place: str) -> tuple[Any, Any]:
    """The model and its tokenizer, from a folder or from the Hub."""
    folder = fetch(model, place, weights=True)
    config, tokenizer = read_folder(folder, model, place)
    if not isinstance(config, CLIPConfig):  # transformers would start a CLIP at random
        raise ZooError(f"{place}: {model} is of type {config.model_type!r}; expected a whole CLIP")
    return load(config, folder, model, place, CLIPModel), tokenizer
