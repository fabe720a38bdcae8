"""Penalties on the discriminator's gradients and logits, by hand where its gradients are known."""

import pytest
import torch
from judging import Linear, round_for
from torch import nn

from zoo_plugins.discriminators.pyramid import Pyramid
from zoo_plugins.losses.drift import Drift
from zoo_plugins.losses.gp import GradientPenalty
from zoo_plugins.losses.ma_gp import MatchingAwareGradientPenalty
from zoo_plugins.losses.r1 import R1
from zoo_plugins.losses.r2 import R2
from zoo_plugins.losses.wgan_gp import WassersteinGradientPenalty
from zoo_registry.contracts import GeneratorSpec, TextSpec

EVERY = [GradientPenalty, MatchingAwareGradientPenalty, R1, R2, Drift]


def lengths(judge, resolution=0):
    return judge.w[resolution].norm(), judge.v[resolution].norm(), judge.u.norm()


def near(ours, expected):
    assert torch.allclose(ours, torch.as_tensor(expected), rtol=1e-4), f"{ours} and {expected}"


@pytest.mark.parametrize("part", [GradientPenalty, R1, R2])
def test_each_resolution_has_its_own_gradient_and_heads_are_summed(part):
    judge = Linear(4, 8, unconditional=True)
    terms = part().discriminator(round_for(judge, 4, 8))
    name = {GradientPenalty: "gp", R1: "r1", R2: "r2"}[part]
    assert list(terms) == [f"{name}/4", f"{name}/8"]
    for at, resolution in enumerate((4, 8)):
        w, v, _ = lengths(judge, at)
        one = 10 * ((w - 1) ** 2 + (v - 1) ** 2) if part is GradientPenalty else 5 * (w**2 + v**2)
        near(terms[f"{name}/{resolution}"], one)


def test_strengths():
    judge = Linear(4)
    w, _, u = lengths(judge)
    round = round_for(judge, 4)
    near(GradientPenalty(factor=3.0).discriminator(round)["gp/4"], 3 * (w - 1) ** 2)
    near(R1(gamma=3.0).discriminator(round)["r1/4"], 1.5 * w**2)
    near(MatchingAwareGradientPenalty().discriminator(round)["ma-gp/4"], 2 * (w**2 + u**2) ** 3)
    custom = MatchingAwareGradientPenalty(factor=3.0, power=4.0).discriminator(round)["ma-gp/4"]
    near(custom, 3 * (w**2 + u**2) ** 2)
    real = judge.score((round.real[0].flatten(1),), round.sentence)[0]
    near(Drift(factor=0.5).discriminator(round)["drift/4"], 0.5 * real.square().mean())


def test_without_text_the_matching_aware_penalty_is_of_the_image():
    judge = Linear(4, unconditional=True)
    terms = MatchingAwareGradientPenalty().discriminator(round_for(judge, 4, text=False))
    near(terms["ma-gp/4"], 2 * judge.v[0].norm() ** 6)


class Bowl(nn.Module):
    """score(x, s) = |x|^2 / 2: its gradient by an image is the image."""

    unconditional = False

    def features(self, images, growth):
        return tuple(image.flatten(1) for image in images)

    def score(self, features, sentence):
        return tuple(feature.square().sum(1) / 2 for feature in features)


def test_which_images_are_penalised():
    round = round_for(Bowl(), 4)
    (real,), (generated,) = round.real, round.generated.images
    near(R1(gamma=2.0).discriminator(round)["r1/4"], real.flatten(1).square().sum(1).mean())
    near(R2(gamma=2.0).discriminator(round)["r2/4"], generated.flatten(1).square().sum(1).mean())
    terms = GradientPenalty(factor=1.0).discriminator(round)
    share = torch.rand(3, 1, 1, 1, generator=torch.Generator().manual_seed(4))
    between = share * real + (1 - share) * generated
    near(terms["gp/4"], (between.flatten(1).norm(dim=1) - 1).square().mean())
    assert 0 < share.min() < share.max() < 1  # an image's own place between the two


@pytest.mark.parametrize("part", EVERY)
def test_lazily(part):
    judge = Linear(4)
    (now,) = part().discriminator(round_for(judge, 4)).values()
    for step in range(8):
        terms = part(every=4).discriminator(round_for(judge, 4, step=step))
        if step % 4:
            assert terms == {}
        else:
            near(next(iter(terms.values())), 4 * now)
    assert part().generator(round_for(judge, 4)) == {}


def test_a_critic_has_three_terms_a_resolution():
    judge = Linear(4, 8)
    round = round_for(judge, 4, 8)
    terms = WassersteinGradientPenalty().discriminator(round)
    assert set(terms) == {
        f"{name}/{resolution}" for name in ("critic", "penalty", "drift") for resolution in (4, 8)
    }
    near(terms["penalty/8"], 10 * (judge.w[1].norm() - 1) ** 2)
    real = judge.score(judge.features(round.real, round.growth), round.sentence)[1]
    near(terms["drift/8"], 0.001 * real.square().mean())
    bare = WassersteinGradientPenalty(penalty=0.0, drift=0.0).discriminator(round_for(judge, 4, 8))
    assert set(bare) == {"critic/4", "critic/8"}


def test_a_critic_of_one_head_names_its_terms_after_it():
    judge = Linear(4, unconditional=True)
    terms = {}
    for heads in ("conditional", "unconditional"):
        terms |= WassersteinGradientPenalty(heads=heads).discriminator(round_for(judge, 4))
    near(terms["matching-penalty/4"], 10 * (judge.w[0].norm() - 1) ** 2)
    near(terms["realism-penalty/4"], 10 * (judge.v[0].norm() - 1) ** 2)
    assert len(terms) == 6


def test_the_norm_by_pixel_of_t2f():
    judge = Linear(4)
    by_pixel = judge.w[0].view(3, 4, 4).norm(dim=0)
    terms = WassersteinGradientPenalty(norm="pixel").discriminator(round_for(judge, 4))
    near(terms["penalty/4"], 10 * (by_pixel - 1).square().mean())
    right = WassersteinGradientPenalty().discriminator(round_for(judge, 4))["penalty/4"]
    assert not torch.allclose(terms["penalty/4"], right, rtol=0.1)


def test_the_same_source_gives_the_same_points():
    first, second = (GradientPenalty().discriminator(round_for(Bowl(), 4))["gp/4"] for _ in range(2))
    assert torch.equal(first, second)
    other = round_for(Bowl(), 4, source=torch.Generator().manual_seed(5))
    assert not torch.equal(first, GradientPenalty().discriminator(other)["gp/4"])


@pytest.mark.parametrize("part", [*EVERY, WassersteinGradientPenalty])
def test_the_rounds_images_and_sentence_stay_as_they_were(part):
    round = round_for(Linear(4), 4)
    part().discriminator(round)
    assert not any(t.requires_grad for t in (*round.real, *round.generated.images, round.sentence))


def test_images_are_augmented_and_the_gradient_is_of_those_before():
    judge = Linear(4)
    round = round_for(judge, 4, augment=lambda images: tuple(2 * image for image in images))
    near(R1(gamma=2.0).discriminator(round)["r1/4"], (2 * judge.w[0].norm()) ** 2)


def pyramid(**settings):
    torch.manual_seed(0)
    return Pyramid(TextSpec(5), GeneratorSpec((16, 32), 4), base_channels=2, **settings)


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize(
    "part", [GradientPenalty, MatchingAwareGradientPenalty, R1, R2, WassersteinGradientPenalty]
)
def test_penalties_train_a_convolutional_discriminator(part, autocast):
    network = pyramid()
    network.eval()  # batch normalisation's statistics would be the test's few images
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        terms = part().discriminator(round_for(network, 16, 32))
    assert {term.dtype for term in terms.values()} == {torch.float32}
    torch.stack(list(terms.values())).sum().backward()
    gradient = network.networks["32"].trunk[0][0].weight.grad
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0


def test_the_penalty_by_autocast_is_near_that_in_float32():
    network = pyramid()
    network.eval()
    exact = R1().discriminator(round_for(network, 16, 32))
    with torch.autocast("cpu", torch.bfloat16):
        coarse = R1().discriminator(round_for(network, 16, 32))
    for name, term in exact.items():
        assert coarse[name].item() == pytest.approx(term.item(), rel=0.05)


def test_a_flat_discriminator_can_still_learn():
    judge = Linear(4)
    with torch.no_grad():
        judge.w[0].zero_()
        judge.u.zero_()
    for part in (GradientPenalty, MatchingAwareGradientPenalty, R1):
        (term,) = part().discriminator(round_for(judge, 4)).values()
        (gradient,) = torch.autograd.grad(term, [judge.w[0]])
        assert gradient.isfinite().all()  # the root in a norm has an infinite slope at 0


def test_gradient_descent_on_the_penalty_brings_the_length_to_one():
    judge = Linear(4)
    optimiser = torch.optim.SGD(judge.parameters(), lr=0.05)
    for _ in range(60):
        optimiser.zero_grad()
        GradientPenalty(factor=1.0).discriminator(round_for(judge, 4))["gp/4"].backward()
        optimiser.step()
    assert judge.w[0].norm().item() == pytest.approx(1, abs=0.01)


def test_generated_images_of_bfloat16_are_differentiated_in_float32():
    judge = Linear(4)
    fine = round_for(judge, 4)
    coarse = round_for(
        judge, 4, generated=fine.generated._replace(images=(fine.generated.images[0].bfloat16(),))
    )
    for part in (R2, GradientPenalty):
        (term,) = part().discriminator(coarse).values()
        assert term.dtype == torch.float32
