"""CLIPScore (arXiv:2104.08718, section 3), on a scale of 100."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import ClassVar, Literal

import torch
from torch import Tensor

from zoo_registry.contracts import Measured, Metric, Score, Study
from zoo_registry.errors import ZooError
from zoo_registry.recipe import Recipe
from zoo_registry.text import expanded

from ..clip import FrozenCLIP
from .scores import of_mean, with_text

_TRAINED_WITH = {"loss": "clip-similarity", "text_encoder": "clip-text"}
"""Parts that train a pipeline with the CLIP of their setting `model`, by kind."""


class CLIPScore(Metric):
    """100 times the mean of max(cos, 0) of generated images and their captions in CLIP's space.

    The paper's factor is 2.5 and it writes "A photo depicts" before a caption; 100 and the bare caption are
    what is reported of text-to-image models. The real images of the split, each with its first caption, are
    scored beside.

    model: a CLIP of transformers, by its name on the Hub or as a local folder. The paper's is ViT-B/32.

    Raises `ZooError` for a pipeline that was trained with the same CLIP, for one without text, and where the
    model cannot be had.
    """

    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def __init__(self, *, model: str = "openai/clip-vit-base-patch32") -> None:
        self.model = model

    def check(self, study: Study, /) -> None:
        """Require text, and a CLIP that is there and did not train the pipeline."""
        with_text(study, "clip-score")
        _independent(study.recipe, self.model)
        FrozenCLIP(self.model, "clip-score.model")
        study.require("real")

    def measure(self, study: Study, /) -> Measured:
        """The score "clip-score"."""
        clip = FrozenCLIP(self.model, "clip-score.model").to(study.device)
        generated = _scores(clip, study.batches("generated"), study.captions, "generated images")
        real_captions = [record.captions[0] for record in islice(study.of_split(), len(generated))]
        real = _scores(clip, study.batches("real"), real_captions, "real images")
        score = Score(generated.mean().item(), len(generated), of_mean(generated), real=real.mean().item())
        return Measured({"clip-score": score})


def _independent(recipe: Recipe, model: str) -> None:
    """Refuse the CLIP that trained the pipeline."""
    for choice in (*recipe.losses, *recipe.parts.values()):
        part = choice.component
        if _TRAINED_WITH.get(part.kind) == part.name:
            own = str(getattr(choice.settings, "model", ""))
            if expanded(own).resolve() == expanded(model).resolve():
                raise ZooError(
                    f"clip-score: {recipe.name} was trained with {model} ({part.kind}/{part.name}), so that "
                    "its score by the same CLIP says little; the setting model names another one"
                )


@torch.no_grad()
def _scores(clip: FrozenCLIP, batches: Iterable[Tensor], captions: Sequence[str], what: str) -> Tensor:
    """Of each caption and its image 100 max(cos, 0) [n] float64, as many as there are captions."""
    found: list[Tensor] = []
    begin = 0
    for batch in batches:
        own = captions[begin : begin + len(batch)]
        cosines = (clip.see(batch[: len(own)]) * clip.read(own)).sum(1)
        if not cosines.isfinite().all():
            raise ZooError(f"clip-score: some {what} are not finite; `zoo sample` shows what is generated")
        found.append(100 * cosines.clamp(min=0).double().cpu())
        begin += len(own)
        if begin == len(captions):
            break
    return torch.cat(found)
