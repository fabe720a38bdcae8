"""How well a drawing matches its caption to CLIP (arXiv:2103.00020): GALIP (arXiv:2301.12959), section 3.

As a distance on the sphere: StyleGAN-T (arXiv:2301.09515), section 3.3.

Letters as in zoo_registry.contracts; also E the width of CLIP's common space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import huggingface_hub
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoConfig, AutoTokenizer, CLIPConfig, CLIPModel
from transformers.utils.constants import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from zoo_registry.contracts import Loss, Round
from zoo_registry.errors import ZooError


class CLIPSimilarity(nn.Module, Loss):
    """Draws the largest image and its caption together in the space of a frozen CLIP: the term "clip".

    model: a CLIP of transformers, by its name on the Hub or as a local folder.
    distance: "cosine": -cos of the two embeddings, in [-1, 1]. "spherical": half of the squared angle between
        them, which keeps its slope where the two already agree well.

    Captions longer than the model reads (77 tokens) are cut. Raises ZooError where the model cannot be had.
    """

    def __init__(
        self,
        *,
        model: str = "openai/clip-vit-base-patch32",
        distance: Literal["cosine", "spherical"] = "cosine",
    ) -> None:
        super().__init__()
        self.clip, self.tokenizer = _load(model)
        self.clip.requires_grad_(False).eval()
        self.side: int = self.clip.config.vision_config.image_size
        self.longest: int = self.clip.config.text_config.max_position_embeddings
        self.distance = _minus_cosine if distance == "cosine" else _spherical
        # [-1, 1] to CLIP's own range: ((x + 1) / 2 - mean) / std
        mean, std = torch.tensor(OPENAI_CLIP_MEAN), torch.tensor(OPENAI_CLIP_STD)
        self.register_buffer("scale", (0.5 / std).view(3, 1, 1), persistent=False)
        self.register_buffer("shift", ((0.5 - mean) / std).view(3, 1, 1), persistent=False)
        self.scale: Tensor
        self.shift: Tensor

    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The mean distance of drawings and `round.captions`.

        Drawings after the captions' own (of sentences between two captions) have none and are left out.
        """
        images = round.drawing.images[-1][: len(round.captions)]
        return {"clip": self.distance(self.see(images), self.read(round.captions)).mean()}

    def see(self, images: Tensor) -> Tensor:
        """Images [B,3,R,R] in [-1, 1] to unit vectors [B,E]."""
        sized = F.interpolate(images.float(), size=(self.side, self.side), mode="bicubic", antialias=True)
        seen = self.clip.vision_model(pixel_values=sized * self.scale + self.shift).pooler_output
        return F.normalize(self.clip.visual_projection(seen).float(), dim=1)

    @torch.no_grad()
    def read(self, captions: Sequence[str]) -> Tensor:
        """Captions to unit vectors [B,E]."""
        tokens = self.tokenizer(
            list(captions), padding=True, truncation=True, max_length=self.longest, return_tensors="pt"
        ).to(self.scale.device)
        text = self.clip.text_model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
        return F.normalize(self.clip.text_projection(text.pooler_output).float(), dim=1)


def _minus_cosine(images: Tensor, captions: Tensor) -> Tensor:
    return -(images * captions).sum(1)


# 2 arcsin(|a - b| / 2)^2 of unit vectors; by atan2 its gradient is finite for opposite ones too
def _spherical(images: Tensor, captions: Tensor) -> Tensor:
    apart = torch.linalg.vector_norm(images - captions, dim=1)
    along = torch.linalg.vector_norm(images + captions, dim=1)
    return 2 * torch.atan2(apart, along).square()


def _load(model: str) -> tuple[Any, Any]:
    """The model and its tokenizer, from a folder, from the Hub's cache, or from the Hub."""
    here = Path(model).expanduser()
    place = str(here) if here.is_dir() else model
    try:
        return _read(place, offline=True)
    except (OSError, ValueError) as fault:
        if here.is_dir():
            raise ZooError(
                f"losses: clip-similarity.model: {here} does not hold a CLIP ({_line(fault)}); it takes what "
                "save_pretrained of transformers' CLIPModel and of its tokenizer write"
            ) from None
    try:
        # one question first: without a network transformers goes on asking for a minute
        huggingface_hub.get_hf_file_metadata(huggingface_hub.hf_hub_url(model, "config.json"))
        return _read(model, offline=False)
    except Exception as fault:  # the hub's HTTP client, and with it what it raises, changes with its versions
        raise ZooError(
            f"losses: clip-similarity.model: {model!r} cannot be fetched ({_line(fault)}). Without a network "
            "a local folder serves: what save_pretrained of transformers' CLIPModel and its tokenizer write"
        ) from None


def _read(place: str, *, offline: bool) -> tuple[Any, Any]:
    config = AutoConfig.from_pretrained(place, local_files_only=offline)
    if not isinstance(config, CLIPConfig):  # transformers would start a CLIP at random
        raise ValueError(f"it is of the type {config.model_type!r}")
    model: Any = CLIPModel  # typed as if it gave the model alone
    network, found = model.from_pretrained(
        place, local_files_only=offline, use_safetensors=True, output_loading_info=True
    )
    if found["missing_keys"]:
        raise ValueError(f"its weights lack {min(found['missing_keys'])}")
    return network, AutoTokenizer.from_pretrained(place, local_files_only=offline)


def _line(fault: Exception) -> str:
    return (str(fault) or type(fault).__name__).splitlines()[0]
