"""What adversarial losses share: pairs of an image and a sentence, judged one by one.

Matching-aware discriminators (arXiv:1605.05396, section 4.2) tell three kinds of pairs apart: real, generated
and mismatched. Letters as in zoo_registry.contracts; also M mismatched pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from zoo_registry.contracts import Loss, Round
from zoo_registry.errors import ZooError

Heads = Literal["all", "conditional", "unconditional"]
TERMS: Mapping[Heads, str] = {
    "all": "adversarial",
    "conditional": "matching",
    "unconditional": "realism",
}
"""What a term is called, by the heads that it is about."""

Scores = tuple[Tensor, ...]  # logits [B] of one head, one tensor per resolution


class Pointwise(Loss):
    """A loss of one logit at a time: subclasses say what a logit costs that should be real, or should not.

    heads: which heads of the discriminator. "conditional" (does the image match its sentence?) and
        "unconditional" (is it real?) can be two entries of a recipe, each with its own weight or schedule.
    mismatched: whether real images with a sentence that is not their own count as fakes, in the conditional
        head. A round without such pairs goes without their term.
    balance: of real pairs and fakes. "mean" weighs the kinds of real pairs by one over their number, and the
        kinds of fakes likewise (arXiv:1605.05396; AttnGAN, arXiv:1711.10485): with one head r(x|s) + [f(x^|s)
        + f(x|s')] / 2, with two [r(x) + r(x|s)] / 2 + [f(x^) + f(x^|s) + f(x|s')] / 3. "sum" gives every kind
        the weight 1 (T2F; StackGAN++, arXiv:1710.10916). The generator's terms are summed over the heads.

    One term per resolution R: "adversarial/R", of one kind of head "matching/R" or "realism/R".
    """

    def __init__(
        self, *, heads: Heads = "all", mismatched: bool = True, balance: Literal["mean", "sum"] = "mean"
    ) -> None:
        self.heads: Heads = heads
        self.mismatched = mismatched
        self.balance = balance
        self.name = TERMS[heads]

    def real(self, logits: Tensor) -> Tensor:
        """The discriminator's loss for logits [B] that should be called real: a scalar."""
        raise NotImplementedError

    def fake(self, logits: Tensor) -> Tensor:
        """The discriminator's loss for logits [B] that should be called fake: a scalar."""
        raise NotImplementedError

    def generated(self, logits: Tensor) -> Tensor:
        """The generator's loss for logits [B] of generated images: a scalar."""
        return self.real(logits)

    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """Every head should take the generated images for real."""
        by_head = scores(round, round.fake_features, head_inputs(round, self.heads))
        terms = [
            torch.stack([self.generated(logits) for logits in at_resolution]).sum()
            for at_resolution in _by_resolution(by_head)
        ]
        return named(round, self.name, terms)

    def discriminator(self, round: Round, /) -> Mapping[str, Tensor]:
        """Real pairs taken for real; generated and mismatched ones not."""
        heads = head_inputs(round, self.heads)
        real = scores(round, round.real_features, heads)
        return named(round, self.name, self.compare(round, heads, real))

    def compare(self, round: Round, heads: Sequence[Tensor | None], real: Sequence[Scores]) -> list[Tensor]:
        """The discriminator's terms, one scalar per resolution; `real`: each head's logits on real images."""
        fakes = scores(round, round.fake_features, heads)
        kinds = len(fakes)
        matching = [sentence for sentence in heads if sentence is not None]
        if self.mismatched and matching:
            kinds += 1
            if round.mismatch is not None:
                images, sentences = round.mismatch
                features = tuple(feature[images] for feature in round.real_features)  # [M,...]
                fakes += scores(round, features, [round.of_all(matching[0])[sentences]])
        reals = [*real, *self.more_real(round, heads, real)]
        mean = self.balance == "mean"
        return [
            torch.stack([self.real(logits) for logits in of_real]).sum() / (len(reals) if mean else 1)
            + torch.stack([self.fake(logits) for logits in of_fake]).sum() / (kinds if mean else 1)
            for of_real, of_fake in zip(_by_resolution(reals), _by_resolution(fakes), strict=True)
        ]

    def more_real(
        self, round: Round, heads: Sequence[Tensor | None], real: Sequence[Scores]
    ) -> Iterable[Scores]:
        """Further logits that should be called real."""
        return ()


def head_inputs(round: Round, heads: Heads) -> tuple[Tensor | None, ...]:
    """The inputs of these heads, one per head: the sentence [B,D], or None for an unconditional head.

    Raises ZooError where the recipe has no such head.
    """
    entries = tuple(
        sentence
        for sentence in round.head_inputs
        if heads == "all" or (sentence is None) == (heads == "unconditional")
    )
    if not entries:
        reason = (
            "has no unconditional head; set discriminator.unconditional = true, or leave this loss out"
            if heads == "unconditional"
            else "gets no sentence: the recipe has no text; give it a text_encoder, or leave this loss out"
        )
        raise ZooError(f'losses: heads = "{heads}", but the discriminator {reason}')
    return entries


def scores(round: Round, features: tuple[Tensor, ...], heads: Iterable[Tensor | None]) -> list[Scores]:
    """Each head's logits of the same features, in float32 under autocast too: their differences are small."""
    assert round.discriminator is not None
    return [
        tuple(logits.float() for logits in round.discriminator.score(features, sentence))
        for sentence in heads
    ]


# epsilon E[ D(x)^2 ]
def squares(real: Sequence[Scores]) -> list[Tensor]:
    """The mean square of the logits on real images, summed over the heads: one scalar per resolution."""
    return [
        torch.stack([logits.square().mean() for logits in at_resolution]).sum()
        for at_resolution in zip(*real, strict=True)
    ]


def named(round: Round, name: str, terms: Sequence[Tensor]) -> dict[str, Tensor]:
    """The terms as "name/R", R the resolution of the image that is judged.

    A discriminator that judges fewer images than are generated judges the largest. One with several logits
    per image (scales, depths) has them numbered from 1 in its order: "name/R.1", "name/R.2".
    """
    resolutions = [image.shape[-1] for image in round.generated.images]
    if len(terms) <= len(resolutions):
        labels = [str(resolution) for resolution in resolutions[-len(terms) :]]
    else:
        labels = [f"{resolutions[-1]}.{number}" for number in range(1, len(terms) + 1)]
    return {f"{name}/{label}": term for label, term in zip(labels, terms, strict=True)}


def _by_resolution(by_head: Iterable[Scores]) -> Iterable[tuple[Tensor, ...]]:
    """Logits by head and resolution, regrouped by resolution and head."""
    return zip(*by_head, strict=True)
