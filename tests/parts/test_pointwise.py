"""Adversarial losses by the formulas of their papers: which pairs, which weights, which heads."""

import pytest
import torch
import torch.nn.functional as F
from judging import Linear, round_for

from zoo_plugins.losses.bce import BinaryCrossEntropy
from zoo_plugins.losses.hinge import Hinge
from zoo_plugins.losses.lsgan import LeastSquares
from zoo_plugins.losses.relativistic import Relativistic
from zoo_plugins.losses.wgan_gp import WassersteinGradientPenalty
from zoo_registry.errors import ZooError

POINTWISE = {
    "bce": (BinaryCrossEntropy, lambda d: F.softplus(-d), F.softplus, lambda d: F.softplus(-d)),
    "hinge": (Hinge, lambda d: (1 - d).clamp(min=0), lambda d: (1 + d).clamp(min=0), lambda d: -d),
    "lsgan": (
        LeastSquares,
        lambda d: (d - 1) ** 2 / 2,
        lambda d: d**2 / 2,
        lambda d: (d - 1) ** 2 / 2,
    ),
    "wgan-gp": (WassersteinGradientPenalty, lambda d: -d, lambda d: d, lambda d: -d),
}


def logits(round, images, sentence):
    judge = round.discriminator
    return judge.score(judge.features(images, round.growth), sentence)


def pairs(round, resolution=0):
    """Logits of one resolution: real, generated and mismatched pairs, and real and generated images alone."""
    real, generated, s = round.real, round.generated.images, round.sentence
    told = [(real, s), (generated, s), (real, s[round.mismatch[1]])]
    alone = [(real, None), (generated, None)] if round.discriminator.unconditional else []
    return [logits(round, *pair)[resolution] for pair in told + alone]


@torch.no_grad()
@pytest.mark.parametrize("name", POINTWISE)
@pytest.mark.parametrize("balance", ["mean", "sum"])
def test_one_head(name, balance):
    part, real, fake, generated = POINTWISE[name]
    round = round_for(Linear(4, 8), 4, 8)
    loss = part(balance=balance, **{"penalty": 0.0, "drift": 0.0} if name == "wgan-gp" else {})
    learns, draws = loss.discriminator(round), loss.generator(round)
    term = "critic" if name == "wgan-gp" else "adversarial"
    assert list(learns) == list(draws) == [f"{term}/4", f"{term}/8"]
    for at, resolution in enumerate((4, 8)):
        right, made, wrong = pairs(round, at)
        share = 0.5 if balance == "mean" else 1
        expected = real(right).mean() + share * (fake(made).mean() + fake(wrong).mean())
        assert torch.allclose(learns[f"{term}/{resolution}"], expected, rtol=1e-5)
        assert torch.allclose(draws[f"{term}/{resolution}"], generated(made).mean(), rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("name", ["bce", "hinge", "lsgan"])
def test_two_heads(name):
    part, real, fake, generated = POINTWISE[name]
    round = round_for(Linear(4, unconditional=True), 4)
    right, made, wrong, alone, made_alone = pairs(round)
    reals, fakes = (
        [real(x).mean() for x in (right, alone)],
        [fake(x).mean() for x in (made, wrong, made_alone)],
    )
    mean, total = (part(balance=balance).discriminator(round)["adversarial/4"] for balance in ("mean", "sum"))
    assert torch.allclose(mean, sum(reals) / 2 + sum(fakes) / 3, rtol=1e-5)
    assert torch.allclose(total, sum(reals) + sum(fakes), rtol=1e-5)
    draws = part().generator(round)["adversarial/4"]
    assert torch.allclose(draws, generated(made).mean() + generated(made_alone).mean(), rtol=1e-5)


@torch.no_grad()
def test_realism_and_matching_are_two_losses():
    round = round_for(Linear(4, unconditional=True), 4)
    right, made, _, alone, made_alone = (F.softplus(-x) for x in pairs(round))
    _, not_made, not_wrong, _, not_made_alone = (F.softplus(x) for x in pairs(round))
    matching, realism = (BinaryCrossEntropy(heads=heads) for heads in ("conditional", "unconditional"))
    expected = right.mean() + (not_made.mean() + not_wrong.mean()) / 2
    assert torch.allclose(matching.discriminator(round)["matching/4"], expected)
    assert torch.allclose(realism.discriminator(round)["realism/4"], alone.mean() + not_made_alone.mean())
    assert torch.allclose(matching.generator(round)["matching/4"], made.mean())
    assert torch.allclose(realism.generator(round)["realism/4"], made_alone.mean())


@torch.no_grad()
def test_mismatched_pairs_can_be_left_out():
    round = round_for(Linear(4), 4)
    right, made, _ = pairs(round)
    expected = F.relu(1 - right).mean() + F.relu(1 + made).mean()
    assert torch.allclose(Hinge(mismatched=False).discriminator(round)["adversarial/4"], expected)


@torch.no_grad()
def test_stackgan_counts_the_mismatched_image_as_real():
    round = round_for(Linear(4, unconditional=True), 4, mismatch=(torch.tensor([2, 0]), torch.tensor([1, 1])))
    right, made, _, alone, made_alone = pairs(round_for(round.discriminator, 4))
    wrong = logits(round, tuple(i[[2, 0]] for i in round.real), round.sentence[[1, 1]])[0]
    wrong_alone = alone[[2, 0]]
    b = F.binary_cross_entropy_with_logits
    expected = sum(b(x, torch.ones_like(x)) for x in (right, alone, wrong_alone))
    expected += sum(b(x, torch.zeros_like(x)) for x in (wrong, made, made_alone))
    loss = BinaryCrossEntropy(balance="sum", mismatched_is_real=True)
    assert torch.allclose(loss.discriminator(round)["adversarial/4"], expected, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("part", [BinaryCrossEntropy, Hinge, WassersteinGradientPenalty, Relativistic])
def test_without_text_images_are_judged_alone(part):
    settings = {"penalty": 0.0, "drift": 0.0} if part is WassersteinGradientPenalty else {}
    round = round_for(Linear(4, unconditional=True), 4, text=False)
    real, made = (logits(round, images, None)[0] for images in (round.real, round.generated.images))
    expected = {
        BinaryCrossEntropy: (F.softplus(-real) + F.softplus(made)).mean(),
        Hinge: F.relu(1 - real).mean() + F.relu(1 + made).mean(),
        WassersteinGradientPenalty: made.mean() - real.mean(),
        Relativistic: F.softplus(made - real).mean(),
    }
    (term,) = part(**settings).discriminator(round).values()
    assert torch.allclose(term, expected[part], rtol=1e-5)


@pytest.mark.parametrize("part", [Hinge, Relativistic])
def test_a_head_that_is_not_there_is_reported(part):
    with pytest.raises(ZooError, match=r"no unconditional head; set discriminator\.unconditional"):
        part(heads="unconditional").discriminator(round_for(Linear(4), 4))
    with pytest.raises(ZooError, match="the recipe has no text"):
        part(heads="conditional").generator(round_for(Linear(4, unconditional=True), 4, text=False))


@torch.no_grad()
def test_names_of_a_discriminator_with_fewer_or_more_scores_than_images():
    only_largest = Hinge().generator(round_for(Linear(8), 4, 8))
    assert list(only_largest) == ["adversarial/8"]
    judge = Linear(8)
    judge.score = lambda features, sentence: tuple(features[0].sum(1) * depth for depth in range(3))
    assert list(Hinge().generator(round_for(judge, 8))) == [
        "adversarial/8.1",
        "adversarial/8.2",
        "adversarial/8.3",
    ]


@torch.no_grad()
def test_relativistic_pairs():
    round = round_for(Linear(4, unconditional=True), 4, mismatch=(torch.tensor([2, 0]), torch.tensor([1, 1])))
    right, made, _, alone, made_alone = pairs(round_for(round.discriminator, 4))
    wrong = logits(round, tuple(i[[2, 0]] for i in round.real), round.sentence[[1, 1]])[0]
    heads = F.softplus(made - right).mean() + F.softplus(made_alone - alone).mean()
    # an image of another sentence against the sentence's own
    matching = F.softplus(wrong - right[[1, 1]]).mean()
    learns = Relativistic().discriminator(round)["adversarial/4"]
    assert torch.allclose(learns, heads + matching, rtol=1e-5)
    without = Relativistic(mismatched=False).discriminator(round)["adversarial/4"]
    assert torch.allclose(without, heads, rtol=1e-5)
    draws = Relativistic().generator(round)["adversarial/4"]
    assert torch.allclose(
        draws, F.softplus(right - made).mean() + F.softplus(alone - made_alone).mean(), rtol=1e-5
    )
    realism = Relativistic(heads="unconditional").discriminator(round)["realism/4"]
    assert torch.allclose(realism, F.softplus(made_alone - alone).mean(), rtol=1e-5)


def test_the_relativistic_generator_is_led_by_the_real_images():
    round = round_for(Linear(4), 4)
    (image,) = round.generated.images
    image.requires_grad_()
    Relativistic().generator(round)["adversarial/4"].backward()
    right, made, _ = pairs(round)
    slope = torch.sigmoid(right - made) / len(image)  # of softplus, largest where the real image is far ahead
    expected = -slope[:, None] * round.discriminator.w[0]
    assert torch.allclose(image.grad.flatten(1), expected, atol=1e-6)


@pytest.mark.parametrize(
    "part", [BinaryCrossEntropy, Hinge, LeastSquares, WassersteinGradientPenalty, Relativistic]
)
def test_scores_of_bfloat16_are_weighed_in_float32(part):
    with torch.autocast("cpu", torch.bfloat16):
        for terms in (
            part().discriminator(round_for(Linear(4), 4)),
            part().generator(round_for(Linear(4), 4)),
        ):
            assert {term.dtype for term in terms.values()} == {torch.float32}
