"""The encoders of the matching stage as extractors: those of the pipeline itself, and of another model.

Shape letters: see zoo_registry.contracts; c captions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from zoo_registry.contracts import Encoders, ExtractorSetup, JointExtractor, Layer, Tokens
from zoo_registry.errors import ZooError


class _Encoders(nn.Module, JointExtractor):
    """The global vectors [B,D] of a text and an image encoder that share a space."""

    def __init__(self, setup: ExtractorSetup, encoders: Encoders) -> None:
        super().__init__()
        self.text_encoder, self.image_encoder = encoders.text_encoder, encoders.image_encoder
        self.device = setup.device
        self.id = f"{encoders.recipe.name}#{setup.hash(self.text_encoder, self.image_encoder)[:8]}"

    def forward(self, images: Tensor, layer: Layer = "features") -> Tensor:
        """`images` is [B,3,R,R] in [-1, 1]."""
        vector: Tensor = self.image_encoder(images).vector
        return vector

    def embed(self, captions: Sequence[str]) -> Tensor:
        """Sentences [c,D]."""
        tokens = self.text_encoder.tokenize(captions)
        sentence: Tensor = self.text_encoder(Tokens(*(t.to(self.device) for t in tokens))).sentence
        return sentence


class Own(_Encoders):
    """The encoders that the pipeline was trained with.

    Raises `ZooError` where it was trained without an image encoder, or came without it.
    """

    def __init__(self, setup: ExtractorSetup, /) -> None:
        try:
            encoders = setup.encoders(None)
        except ZooError as error:
            raise ZooError(f"{error}; to take those of another model: --set METRIC.matcher=FOLDER") from None
        super().__init__(setup, encoders)


class Matcher(_Encoders):
    """The encoders of a matching model.

    model: its folder, that of its run, or its name on the Hub.

    Raises `ZooError` for a model that lacks one of the two.
    """

    def __init__(self, setup: ExtractorSetup, /, *, model: str) -> None:
        super().__init__(setup, setup.encoders(model))

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Any model's folder, or a run's."""
        return any((folder / file).is_file() for file in ("config.json", "model/config.json"))
