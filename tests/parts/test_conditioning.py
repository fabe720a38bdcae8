"""Conditionings: how a sentence becomes the generator's code, and what keeps its Gaussian in place."""

import pytest
import torch
import torch.nn.functional as F

from zoo_plugins.conditioning.augmentation import ConditioningAugmentation
from zoo_plugins.conditioning.identity import Identity
from zoo_plugins.conditioning.projection import SentenceProjection
from zoo_plugins.losses.kl import KL
from zoo_registry.contracts import Condition, Generated, Round, Text, TextSpec

TEXT = TextSpec(16)


def generated(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def augmentation(**settings):
    torch.manual_seed(0)
    return ConditioningAugmentation(TEXT, width=8, **settings)


def kl(condition, **settings):
    return KL(**settings).generator(Round(Generated(()), Text(generated(1, 1)), condition=condition))["kl"]


@torch.no_grad()
@pytest.mark.parametrize("activation", ["glu", "relu", "none"])
def test_mean_and_spread_are_halves_of_one_activated_layer(activation):
    module = augmentation(activation=activation)
    sentence, noise = generated(4, 16), generated(4, 8)
    whole = module.fc(sentence)
    whole = {"glu": lambda x: F.glu(x, dim=1), "relu": F.relu, "none": lambda x: x}[activation](whole)
    code, mean, logvar = module(sentence, noise=noise)
    assert torch.equal(mean, whole[:, :8])
    assert torch.equal(logvar, whole[:, 8:])
    assert torch.allclose(code, mean + noise * (logvar / 2).exp())


@torch.no_grad()
def test_a_spread_by_relu_is_sigma_itself_above_the_floor():
    module = augmentation(activation="none", spread="relu", spread_floor=0.05)
    sentence, noise = generated(4, 16), generated(4, 8)
    sigma = F.relu(module.fc(sentence)[:, 8:]) + 0.05
    assert sigma.min() == 0.05  # some are cut off
    code, mean, logvar = module(sentence, noise=noise)
    assert torch.allclose(logvar, 2 * sigma.log(), atol=1e-5)
    assert torch.allclose(code, mean + noise * sigma, atol=1e-5)


def test_the_originals_floor_makes_the_kl_spike_and_ours_does_not():
    costs, pulls = {}, {}
    for floor in (1e-12, 0.01):
        module = augmentation(activation="none", spread="relu", spread_floor=floor)
        with torch.no_grad():
            module.fc.weight.zero_()
            module.fc.bias[8:12] = -1.0  # cut off
            module.fc.bias[12:] = 1e-7  # just not
        cost = kl(module(generated(4, 16)))
        cost.backward()
        costs[floor], pulls[floor] = cost.item(), module.fc.bias.grad.abs().max().item()
    assert costs[1e-12] > 20
    assert costs[0.01] < 5
    assert pulls[1e-12] > 1e5
    assert pulls[0.01] < 100


@torch.no_grad()
def test_an_equalised_layer_scales_its_weights_as_they_are_used():
    module = augmentation(activation="none", equalised=True)
    sentence = generated(4, 16)
    mean = F.linear(sentence, module.fc.weight / 4, module.fc.bias)[:, :8]  # 4 = sqrt(16)
    assert torch.allclose(module(sentence).mean, mean, atol=1e-6)
    assert 0.8 < module.fc.weight.std() < 1.2


@torch.no_grad()
def test_projection_is_a_leaky_linear_layer():
    torch.manual_seed(0)
    module = SentenceProjection(TEXT, width=8)
    sentence = generated(4, 16)
    condition = module(sentence, noise=generated(4, 8))
    assert torch.equal(condition.code, F.leaky_relu(module.fc(sentence), 0.2))
    assert condition.mean is None
    assert condition.logvar is None


@torch.no_grad()
def test_an_equalised_projection_scales_its_weights_as_it_uses_them():
    torch.manual_seed(0)
    module = SentenceProjection(TextSpec(4096), width=64, equalised=True)
    assert 0.99 < module.fc.weight.std() < 1.01
    sentence = generated(4, 4096)
    expected = F.leaky_relu(F.linear(sentence, module.fc.weight / 64, module.fc.bias), 0.2)
    assert torch.allclose(module(sentence).code, expected, atol=1e-5)


def test_projection_with_batch_norm_learns_the_sentences_spread():
    torch.manual_seed(0)
    module = SentenceProjection(TEXT, width=8, batch_norm=True)
    before = module.norm.running_mean.clone()
    code = module(5 + generated(32, 16)).code
    straight = torch.where(code < 0, code / 0.2, code)
    assert torch.allclose(straight.mean(0), torch.zeros(8), atol=1e-5)
    assert not torch.equal(module.norm.running_mean, before)


def test_identity_hands_the_sentence_on():
    sentence = generated(4, 16)
    module = Identity(TEXT)
    assert module.width == 16
    assert torch.equal(module(sentence, noise=generated(4, 16)).code, sentence)


def test_kl_sums_over_the_width_where_asked():
    mean, logvar = generated(4, 8), generated(8, 4).T
    condition = Condition(mean, mean, logvar)
    normal = torch.distributions.Normal
    each = torch.distributions.kl_divergence(normal(mean, (logvar / 2).exp()), normal(0.0, 1.0))  # [B,C]
    assert torch.allclose(kl(condition), each.mean(), atol=1e-5)
    assert torch.allclose(kl(condition, reduction="sum"), each.sum(1).mean(), atol=1e-5)
