"""What adversarial losses share: pairs of an image and a sentence, judged one by one.

Matching-aware discriminators (arXiv:1605.05396, section 4.2) tell three kinds of pairs apart: real, drawn and
mismatched. Letters as in zoo_registry.contracts; also M mismatched pairs.
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

Scores = tuple[Tensor, ...]  # logits [B] of one head, one tensor a side


class Pointwise(Loss):
    """A loss of one logit at a time: subclasses say what a logit costs that should be real, or should not.

    heads: which heads of the discriminator. "conditional" (does the image match its sentence?) and
        "unconditional" (is it real?) can be two entries of a recipe, each with its own weight or schedule.
    mismatched: whether real images with a sentence that is not their own count as fakes, in the conditional
        head. A round without such pairs goes without their term.
    balance: "mean" weighs the kinds of real pairs by one over their number, and the kinds of fakes likewise
        (arXiv:1605.05396; AttnGAN, arXiv:1711.10485): with one head r(x|s) + [f(x^|s) + f(x|s')] / 2, with
        two [r(x) + r(x|s)] / 2 + [f(x^) + f(x^|s) + f(x|s')] / 3. "sum" gives every kind the weight 1 (T2F;
        StackGAN++, arXiv:1710.10916). The generator's terms are summed over the heads.

    One term a side R: "adversarial/R", of one kind of head "matching/R" or "realism/R".
    """

    def __init__(
        self, *, heads: Heads = "all", mismatched: bool = True, balance: Literal["mean", "sum"] = "mean"
    ) -> None:
        self.heads: Heads = heads
        self.mismatched = mismatched
        self.balance = balance
        self.name = TERMS[heads]

    def real(self, logits: Tensor) -> Tensor:
        """What logits [B] cost the discriminator that should be called real: a scalar."""
        raise NotImplementedError

    def fake(self, logits: Tensor) -> Tensor:
        """What logits [B] cost the discriminator that should be called fake: a scalar."""
        raise NotImplementedError

    def drawn(self, logits: Tensor) -> Tensor:
        """What logits [B] of drawings cost the generator: a scalar."""
        return self.real(logits)

    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """The drawings taken for real by every head."""
        by_head = scores(round, round.fake_features, told(round, self.heads))
        terms = [torch.stack([self.drawn(logits) for logits in side]).sum() for side in _sides(by_head)]
        return named(round, self.name, terms)

    def discriminator(self, round: Round, /) -> Mapping[str, Tensor]:
        """Real pairs taken for real; drawn and mismatched ones not."""
        heads = told(round, self.heads)
        real = scores(round, round.real_features, heads)
        return named(round, self.name, self.compare(round, heads, real))

    def compare(self, round: Round, heads: Sequence[Tensor | None], real: Sequence[Scores]) -> list[Tensor]:
        """The discriminator's terms, one scalar a side; `real` holds each head's logits of real images."""
        fakes = scores(round, round.fake_features, heads)
        kinds = len(fakes)
        matching = [sentence for sentence in heads if sentence is not None]
        if self.mismatched and matching:
            kinds += 1
            if round.mismatch is not None:
                images, sentences = round.mismatch
                features = tuple(feature[images] for feature in round.real_features)  # [M,...]
                fakes += scores(round, features, [matching[0][sentences]])
        reals = [*real, *self.more_real(round, heads, real)]
        mean = self.balance == "mean"
        return [
            torch.stack([self.real(logits) for logits in of_real]).sum() / (len(reals) if mean else 1)
            + torch.stack([self.fake(logits) for logits in of_fake]).sum() / (kinds if mean else 1)
            for of_real, of_fake in zip(_sides(reals), _sides(fakes), strict=True)
        ]

    def more_real(
        self, round: Round, heads: Sequence[Tensor | None], real: Sequence[Scores]
    ) -> Iterable[Scores]:
        """Further logits that should be called real."""
        return ()


def told(round: Round, heads: Heads) -> tuple[Tensor | None, ...]:
    """What these heads are told, one entry a head: the sentence [B,D], or None for nothing.

    Raises ZooError where the recipe has no such head.
    """
    entries = tuple(
        sentence
        for sentence in round.told
        if heads == "all" or (sentence is None) == (heads == "unconditional")
    )
    if not entries:
        reason = (
            "has no unconditional head; set discriminator.unconditional = true, or leave this loss out"
            if heads == "unconditional"
            else "is told no sentence: the recipe has no text; give it a text_encoder, or leave this loss out"
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


def named(round: Round, name: str, terms: Sequence[Tensor]) -> dict[str, Tensor]:
    """The terms as "name/R", R the side of the image that is judged.

    A discriminator that judges fewer images than are drawn judges the largest. One that has several logits an
    image (scales, depths) has them numbered from 1 in its order: "name/R.1", "name/R.2".
    """
    sides = [image.shape[-1] for image in round.drawing.images]
    if len(terms) <= len(sides):
        labels = [str(side) for side in sides[-len(terms) :]]
    else:
        labels = [f"{sides[-1]}.{number}" for number in range(1, len(terms) + 1)]
    return {f"{name}/{label}": term for label, term in zip(labels, terms, strict=True)}


def _sides(by_head: Iterable[Scores]) -> Iterable[tuple[Tensor, ...]]:
    """Logits by head and side as logits by side and head."""
    return zip(*by_head, strict=True)
