"""What one training step produced, and the losses that turn it into named terms.

Shape letters: see `zoo_registry.contracts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from .networks import Discriminator
from .values import Condition, Generated, Growth, ImageFeatures, Text

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass
class Round:
    """All that one training step produced. Features are computed once and shared among the losses.

    Where a task trains no generator, `generated` may hold real images, from which encoders learn.
    """

    generated: Generated
    text: Text
    real: tuple[Tensor, ...] = ()  # each [B,3,R,R], the resolutions of `generated`
    sentence: Tensor | None = None  # [B,D]: the discriminator's sentence input; None: unconditional
    condition: Condition | None = None
    noise: Tensor | None = None  # [B,Z]
    captions: tuple[str, ...] = ()
    further_text: tuple[Text, ...] = ()  # more captions of the same images, [B] of them each
    labels: Tensor | None = None  # [B] int64: the class; None where the data has no classes
    # int64 [M], [M]: image index, index among the sentences of all processes of one that is not its own
    mismatch: tuple[Tensor, Tensor] | None = None
    growth: Growth = field(default_factory=lambda: Growth(0))
    step: int = 0  # from 0
    source: torch.Generator | None = None  # on the CPU: what a loss samples at random comes from here
    discriminator: Discriminator | None = None
    image_encoder: Callable[[Tensor], ImageFeatures] | None = None
    augment: Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]] | None = None
    gather: Callable[[Tensor], Tensor] | None = None  # `Setup.gather`; None: one process trains alone

    def of_all(self, tensor: Tensor) -> Tensor:
        """The rows of every process, one process after the other: [B,...] to [B * processes,...].

        A loss that compares rows with each other compares those of all; gradients flow to their processes.
        """
        return tensor if self.gather is None else self.gather(tensor)

    def discriminator_features(self, images: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The discriminator's features of some images, augmented, one tensor per resolution."""
        assert self.discriminator is not None
        augmented = images if self.augment is None else self.augment(images)
        return self.discriminator.features(augmented, self.growth)

    @cached_property
    def real_features(self) -> tuple[Tensor, ...]:
        """The discriminator's features of the real images, one tensor per resolution."""
        return self.discriminator_features(self.real)

    @cached_property
    def fake_features(self) -> tuple[Tensor, ...]:
        """The discriminator's features of the generated images, one tensor per resolution."""
        return self.discriminator_features(self.generated.images)

    @cached_property
    def image_features(self) -> ImageFeatures:
        """The image encoder's features of the largest generated image."""
        assert self.image_encoder is not None
        return self.image_encoder(self.generated.images[-1])

    @property
    def head_inputs(self) -> tuple[Tensor | None, ...]:
        """The inputs of the discriminator's heads: the sentence, and None for the unconditional head."""
        assert self.discriminator is not None
        sentences = () if self.sentence is None else (self.sentence,)
        return (*sentences, None) if self.discriminator.unconditional else sentences

    def detach(self) -> Round:
        """The round for the discriminator's losses: detached from the generator and the text."""

        def cut(values: tuple[Any, ...]) -> list[Any]:
            return [v if v is None else v.detach() for v in values]

        return replace(
            self,
            generated=Generated(*(tuple(cut(group)) for group in self.generated)),
            text=Text(*cut(self.text)),
            sentence=None if self.sentence is None else self.sentence.detach(),
            condition=None if self.condition is None else Condition(*cut(self.condition)),
        )


@runtime_checkable
class Loss(Protocol):
    """Named scalars for the generator and for the discriminator; the task weighs, sums and logs them.

    A loss never detaches: the round that the discriminator's losses receive is already cut. Its weight is the
    recipe's, not its own. An nn.Module too where it holds weights; they are moved, never trained or saved.
    """

    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """Terms that the generator and its encoders minimise, or encoders alone."""
        return {}

    def discriminator(self, round: Round, /) -> Mapping[str, Tensor]:
        """Terms that the discriminator minimises."""
        return {}
