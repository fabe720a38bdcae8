"""Task `match`: text and image encoders towards one space (DAMSM pretraining, arXiv:1711.10485, section 3.2).

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor

from zoo_plugins.redescriber import redescribing
from zoo_registry.contracts import Batch, Generated, HeldOut, Phase, Plan, Round, Setup, Task, Text
from zoo_registry.training import Share

from .classes import OneOfEachClass

MATCHING = ("text_encoder", "image_encoder")


class Matching(Task):
    """A text encoder and an image encoder learn one space from real images and their captions.

    The model is the best by R@1, then R@5, of retrieval among held-out pairs. So it is with the loss
    `redescription`, too: that reads ids and would not see the text encoder, retrieval measures both encoders.

    optimiser: of both encoders. lr: learning rate at the start. lr_decay: factor of the rate per epoch.
    lr_floor: least rate, as a share of `lr`.
    clip: largest norm of the text encoder's gradient; 0: not clipped.
    resolution: R of the images, in pixels.
    captions_per_image: how many captions of an image the loss `redescription` reads in a step.
    classes_as_units: a batch holds one image of each of `batch_size` classes, an epoch as many batches as
        there are classes.
    validate_every: steps between two measurements of retrieval; not set: once an epoch.
    held_out: most images of the held-out split that retrieval is measured on.
    """

    places: ClassVar[tuple[str, ...]] = MATCHING
    may_change: ClassVar[tuple[str, ...]] = ("lr", "lr_decay", "lr_floor", "clip", "validate_every")
    about: ClassVar[str] = "Encoders of text and images that share a space"
    tags: ClassVar[tuple[str, ...]] = ("text-image-matching",)
    holds_out: ClassVar[bool] = True

    def __init__(
        self,
        setup: Setup,
        /,
        *,
        optimiser: Literal["adam", "rmsprop"] = "adam",
        lr: PositiveFloat = 2e-3,
        lr_decay: Share = 0.98,
        lr_floor: Share = 0.1,
        clip: NonNegativeFloat = 0.25,
        resolution: PositiveInt = 299,
        captions_per_image: PositiveInt = 1,
        classes_as_units: bool = False,
        validate_every: PositiveInt | None = None,
        held_out: PositiveInt = 500,
    ) -> None:
        self.setup, self.resolutions, self.captions_per_image = setup, (resolution,), captions_per_image
        self.text_encoder, self.image_encoder = (setup.parts[place] for place in MATCHING)
        self.learning = setup.learning(*MATCHING)
        trainable = [p for p in self.learning.parameters() if p.requires_grad]
        chosen: torch.optim.Optimizer
        if optimiser == "adam":
            chosen = setup.adam(trainable, lr=lr, betas=setup.training.betas)
        else:
            chosen = torch.optim.RMSprop(trainable, lr=lr)

        def rate(step: int) -> float:
            return lr * max(lr_decay ** setup.epoch(step), lr_floor)

        self.phases = [Phase("encoder", self.learning, chosen, lr=rate, clip=clip, clipped=self.text_encoder)]

    @classmethod
    def plan(cls, settings: Any, /) -> Plan:
        """Retrieval among held-out pairs, which decides."""
        return Plan(
            resolution=settings.resolution,
            sampler=OneOfEachClass() if settings.classes_as_units else None,
            validate_every=settings.validate_every or "epoch",
            best=("retrieval/r1", "retrieval/r5"),
            held_out=settings.held_out,
        )

    def loss(self, phase: str, batch: Batch, step: int, repeat: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The losses' terms; real images stand in the generated ones' place."""
        text = self.setup.read(batch.captions)
        round = Round(
            generated=Generated(self.setup.images(batch.pixels, self.resolutions)),
            text=text,
            further_text=tuple(self._caption_after(batch, by) for by in range(1, self.captions_per_image)),
            labels=None if batch.labels is None else batch.labels.to(self.setup.device),
            growth=self.setup.growth(step),
            step=step,
            image_encoder=self.image_encoder,
            gather=self.setup.gather if self.setup.processes > 1 else None,
        )
        return self.setup.total(round, "generator")

    @torch.no_grad()
    def _caption_after(self, batch: Batch, by: int) -> Text:
        """The caption of each image that stands so many after the one of the batch, round and round."""
        return self.setup.read(
            [
                every[(every.index(caption) + by) % len(every)]
                for caption, every in zip(batch.captions, batch.every_caption, strict=True)
            ]
        )

    @torch.no_grad()
    def validate(self, held_out: HeldOut) -> Mapping[str, float]:
        """R@1 and R@5 among held-out pairs, by sentence and image vectors, one caption per image.

        Where the image encoder redescribes, also the share of the captions' words that it predicts rightly.
        """
        training = [(module, module.training) for module in (self.text_encoder, self.image_encoder)]
        for module, _ in training:
            module.eval()
        predictor = redescribing(self.image_encoder)
        vectors, sentences, found = [], [], []
        for batch in held_out.batches(self.setup.training.batch_size):
            features = self.image_encoder(self.setup.images(batch.pixels, self.resolutions)[-1])
            text = self.setup.read(batch.captions)
            vectors.append(features.vector)
            sentences.append(text.sentence)
            if predictor is not None and text.ids is not None:
                right = predictor.redescribe(features, text).argmax(2) == text.ids  # [B,L]
                found.append(right[text.mask].float())
        for module, learns in training:
            module.train(learns)
        measured = retrieval(torch.cat(vectors), torch.cat(sentences))
        return measured | ({"redescription/words": torch.cat(found).mean().item()} if found else {})


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
