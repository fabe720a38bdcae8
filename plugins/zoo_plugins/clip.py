"""A whole CLIP (arXiv:2103.00020), section 2.3, of transformers: images and captions in one space.

Letters as in zoo_registry.contracts; also E the width of the common space.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoConfig, AutoTokenizer, CLIPConfig, CLIPModel
from transformers.utils.constants import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from zoo_registry.errors import ZooError

from .text_encoders.hub import first_line, quiet


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
    """The model and its tokenizer, from a folder, from the Hub's cache, or from the Hub."""
    here = Path(model).expanduser()
    source = str(here) if here.is_dir() else model
    try:
        return _read(source, offline=True)
    except (OSError, ValueError) as error:
        if here.is_dir():
            raise ZooError(
                f"{place}: {here} does not hold a CLIP ({first_line(error)}); it takes what "
                "save_pretrained of transformers' CLIPModel and of its tokenizer write"
            ) from None
    try:
        # one question first: without a network transformers goes on asking for a minute
        huggingface_hub.get_hf_file_metadata(huggingface_hub.hf_hub_url(model, "config.json"))
        return _read(model, offline=False)
    except Exception as error:  # the hub's HTTP client, and with it what it raises, changes with its versions
        raise ZooError(
            f"{place}: {model!r} cannot be fetched ({first_line(error)}). Without a network "
            "a local folder serves: what save_pretrained of transformers' CLIPModel and its tokenizer write"
        ) from None


def _read(source: str, *, offline: bool) -> tuple[Any, Any]:
    config = AutoConfig.from_pretrained(source, local_files_only=offline)
    if not isinstance(config, CLIPConfig):  # transformers would start a CLIP at random
        raise ValueError(f"it is of the type {config.model_type!r}")
    model: Any = CLIPModel  # typed as if it gave the model alone
    with quiet():
        network, found = model.from_pretrained(
            source, local_files_only=offline, use_safetensors=True, output_loading_info=True
        )
    if found["missing_keys"]:
        raise ValueError(f"its weights lack {min(found['missing_keys'])}")
    return network, AutoTokenizer.from_pretrained(source, local_files_only=offline)
