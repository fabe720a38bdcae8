"""Task `match`: text and image encoders towards one space (DAMSM pretraining, arXiv:1711.10485, section 3.2).

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from accelerate import PartialState
from torch import Tensor, nn

from zoo_registry import Recipe
from zoo_registry.contracts import Generated, Growth, Round, Text, Tokens
from zoo_registry.training import MatchTraining

from ..assemble import Parts
from ..data.images import Batch, ImageSet, images_at
from ..plugins import observe
from . import total
from .adam import Adam
from .parallel import average_gradients, device_of

MATCHING = ("text_encoder", "image_encoder")


class MatchTask:
    """Training of a text encoder and an image encoder on real images and their captions."""

    def __init__(self, recipe: Recipe, parts: Parts, state: PartialState, *, epoch: int) -> None:
        assert isinstance(recipe.train, MatchTraining)
        self.train, self.choices = recipe.train, recipe.losses
        self.state, self.device = state, device_of(state)
        self.epoch = epoch
        self.parts = parts.to(self.device)
        self.resolutions: tuple[int, ...] = (self.train.resolution,)
        self.learning = nn.ModuleDict({k: parts.modules[k] for k in MATCHING if k not in parts.frozen})
        for kind in MATCHING:
            parts.modules[kind].train(kind in self.learning)
        trainable = [p for p in self.learning.parameters() if p.requires_grad]
        self.optimiser: torch.optim.Optimizer
        if self.train.optimiser == "adam":
            self.optimiser = Adam(trainable, lr=self.train.lr, betas=self.train.betas)
        else:
            self.optimiser = torch.optim.RMSprop(trainable, lr=self.train.lr)

    def step(self, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """One update of both encoders."""
        device = self.device
        rate = self.train.lr * max(self.train.lr_decay ** (step // self.epoch), self.train.lr_floor)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast(device.type, torch.bfloat16, enabled=self.train.precision == "bf16"):
            text = self._read(batch.captions)
            round = Round(
                generated=Generated(images_at(batch.pixels.to(device, non_blocking=True), self.resolutions)),
                text=text,
                labels=None if batch.labels is None else batch.labels.to(device),
                growth=Growth(self.train.resolution),
                step=step,
                image_encoder=self.parts.image_encoder,
            )
            loss, terms = total(self.choices, self.parts.losses, round, "generator")
        observe(round, terms, step)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(self.learning.parameters(), self.state)
        if self.train.clip:
            nn.utils.clip_grad_norm_(self.parts.text_encoder.parameters(), self.train.clip)
        self.optimiser.step()
        return {name.removeprefix("generator/"): term for name, term in terms.items()}

    def _read(self, captions: Sequence[str]) -> Text:
        tokens = self.parts.text_encoder.tokenize(captions)
        text: Text = self.parts.text_encoder(Tokens(*(t.to(self.device) for t in tokens)))
        return text

    @torch.no_grad()
    def validate(self, held_out: ImageSet) -> dict[str, float]:
        """R@1 and R@5 among held-out pairs, by sentence and image vectors, one caption per image."""
        for kind in MATCHING:
            self.parts.modules[kind].eval()
        vectors, sentences = [], []
        for at in range(0, len(held_out), self.train.batch_size):
            batch = held_out.batch(range(at, min(at + self.train.batch_size, len(held_out))), generator=None)
            image = images_at(batch.pixels.to(self.device), self.resolutions)[-1]
            vectors.append(self.parts.image_encoder(image).vector)
            sentences.append(self._read(batch.captions).sentence)
        for kind in MATCHING:
            self.parts.modules[kind].train(kind in self.learning)
        return retrieval(torch.cat(vectors), torch.cat(sentences))

    def averaged(self) -> Parts:
        """The parts as they are saved."""
        return self.parts

    def state_dict(self) -> dict[str, Any]:
        """Weights and the optimiser."""
        return {"learning": self.learning.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.learning.load_state_dict(state["learning"])
        self.optimiser.load_state_dict(state["optimiser"])


def retrieval(vectors: Tensor, sentences: Tensor) -> dict[str, float]:
    """R@1 and R@5 of images by text and of text by images, row i to row i, by cosine; ties count as missed.

    vectors, sentences: [M,D]. `retrieval/r1` and `r5` are the means of both directions.
    """
    similarity = F.normalize(vectors.float(), dim=1) @ F.normalize(sentences.float(), dim=1).T  # [M,M]
    own = similarity.diagonal()
    result: dict[str, float] = {}
    for direction, scores in (("text", similarity), ("image", similarity.T)):
        rank = (scores >= own[:, None]).sum(1)  # 1 is best
        for k in (1, 5):
            result[f"retrieval/{direction}_r{k}"] = (rank <= k).float().mean().item()
    for k in (1, 5):
        result[f"retrieval/r{k}"] = (result[f"retrieval/text_r{k}"] + result[f"retrieval/image_r{k}"]) / 2
    return result
