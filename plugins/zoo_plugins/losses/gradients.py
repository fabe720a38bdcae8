"""What the discriminator's regularisers share: gradients of its logits, and doing it every n-th step.

Lazy regularisation: StyleGAN2 (arXiv:1912.04958), section 3.1. Letters as in zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor

from zoo_registry.contracts import Loss, Round

from .adversarial import named


class Regulariser(Loss):
    """A term of the discriminator alone, computed every n-th step and then n times as heavy.

    Its mean over the steps is then the same at an n-th of the cost: StyleGAN2 found R1 to need no more than
    every sixteenth step. There the term has an optimiser step of its own, whose rates are corrected for that;
    here it joins the losses of its step. In the other steps there is no term at all.

    every: in which steps: those that are a multiple of it.

    Subclasses give the scalars; the terms are "name/R", R the resolution of the score.
    """

    def __init__(self, name: str, factor: float, every: int) -> None:
        self.name = name
        self.factor = factor
        self.every = every

    def terms(self, round: Round) -> Iterable[Tensor]:
        """The term before its factor, one scalar per resolution."""
        raise NotImplementedError

    def discriminator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The terms, where `round.step` is a multiple of `every`."""
        if round.step % self.every:
            return {}
        weight = self.factor * self.every
        return named(round, self.name, [weight * term for term in self.terms(round)])


def penalised(
    round: Round,
    images: Sequence[Tensor],
    heads: Sequence[Tensor | None],
    penalty: Callable[[Sequence[Tensor]], Tensor],
    *,
    sentence_too: bool = False,
) -> list[Tensor]:
    """A penalty on the gradients of logits by images, one scalar per resolution, summed over the heads.

    Passes the images, each [B,3,R,R], through the discriminator once.

    heads: the input of each, [B,D] or None. sentence_too: differentiate by the sentence as well.
    penalty: makes a scalar of one score's gradients: [B,3,R,R] of every image that the score depends on, and
        [B,D] of the sentence; float32, and differentiable themselves.
    """
    assert round.discriminator is not None
    leaves = tuple(_leaf(image) for image in images)
    features = round.discriminator_features(leaves)
    by_head: list[list[Tensor]] = []
    for head in heads:
        sentence = _leaf(head) if sentence_too and head is not None else head
        inputs = leaves if sentence is head or sentence is None else (*leaves, sentence)
        by_head.append(
            [penalty(_gradients(score, inputs)) for score in round.discriminator.score(features, sentence)]
        )
    return [torch.stack(at_resolution).sum() for at_resolution in zip(*by_head, strict=True)]


def norms(gradients: Sequence[Tensor]) -> Tensor:
    """The length of each row's gradient by all inputs together: [B]."""
    rows = torch.cat([gradient.flatten(1) for gradient in gradients], dim=1)
    return torch.linalg.vector_norm(rows, dim=1)  # its derivative at 0 is 0, where that of a root is infinite


def squared_length(gradients: Sequence[Tensor]) -> Tensor:
    """|gradient|^2, the mean over images."""
    return norms(gradients).square().mean()


# lambda (|grad D(x~)|_2 - 1)^2, x~ = t x + (1 - t) x^ with t uniform in [0, 1)
def between(
    round: Round, heads: Sequence[Tensor | None], penalty: Callable[[Sequence[Tensor]], Tensor]
) -> list[Tensor]:
    """A penalty on gradients at points between each real image and the generated image of its sentence.

    One scalar per resolution. The resolutions of an image share one t, sampled from `round.source`.
    """
    share = torch.rand(len(round.real[0]), 1, 1, 1, generator=round.source).to(
        round.real[0].device
    )  # [B,1,1,1]
    points = [
        torch.lerp(fake.float(), real.float(), share)
        for fake, real in zip(round.generated.images, round.real, strict=True)
    ]
    return penalised(round, points, heads, penalty)


def distance_from_one(gradients: Sequence[Tensor]) -> Tensor:
    """(|gradient| - 1)^2, the mean over images, each with one gradient."""
    return (norms(gradients) - 1).square().mean()


def _leaf(values: Tensor) -> Tensor:
    """Float32 values of their own to differentiate by: the round's are shared, and bfloat16 is too coarse."""
    return values.detach().float().requires_grad_()


def _gradients(score: Tensor, inputs: Sequence[Tensor]) -> list[Tensor]:
    # the sum's gradient by a row is that row's own, where rows do not mix (batch normalisation mixes them)
    with torch.autocast(score.device.type, enabled=False):
        found = torch.autograd.grad(score.float().sum(), inputs, create_graph=True, allow_unused=True)
    return [gradient for gradient in found if gradient is not None]
