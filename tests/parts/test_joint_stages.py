"""The tree of generators of StackGAN++ and its colour consistency."""

import pytest
import torch
import torch.nn.functional as F

from zoo_plugins.generators.joint_stages import JointConv, JointStages
from zoo_plugins.losses.colour_consistency import ColourConsistency
from zoo_registry.contracts import Condition, ConditionSpec, Generated, Growth, Round, Text
from zoo_registry.errors import ZooError


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def generator(*, width=5, **settings):
    torch.manual_seed(0)
    settings = {
        "resolutions": (8, 16, 32),
        "base_channels": 8,
        "residual_blocks": 1,
        "noise_width": 6,
    } | settings
    return JointStages(ConditionSpec(width), **settings).eval()


@torch.no_grad()
def test_an_image_a_resolution_with_half_the_channels_each():
    network = generator()
    images, attention = network(draws(2, 6), Condition(draws(2, 5)), None, Growth(32))
    assert [tuple(image.shape) for image in images] == [(2, 3, 8, 8), (2, 3, 16, 16), (2, 3, 32, 32)]
    assert attention == ()
    assert [to_image[0].in_channels for to_image in network.to_image] == [8, 4, 2]


@torch.no_grad()
@pytest.mark.parametrize("resolution", [2, 3, 8])
def test_the_joint_convolution_is_that_of_the_code_at_every_place(resolution):
    layer = JointConv(5, 4, 6)
    hidden, code = draws(2, 4, resolution, resolution), draws(2, 5, seed=1)
    everywhere = code[:, :, None, None].expand(-1, -1, resolution, resolution)
    plain = F.conv2d(torch.cat([everywhere, hidden], dim=1), layer.weight, padding=1)
    assert torch.allclose(layer(hidden, code), plain, atol=1e-6)


@torch.no_grad()
def test_later_stages_read_the_code():
    network = generator()
    hidden = draws(1, 8, 8, 8)
    one, other = (network.later[0](hidden, draws(1, 5, seed=seed)) for seed in (1, 2))
    assert (one - other).abs().max() > 1e-3


@torch.no_grad()
def test_without_text_later_stages_read_the_noise():
    network = generator(width=0)
    assert network.later[0].joint.code_width == 6
    told = []
    network.later[0].register_forward_pre_hook(lambda _, inputs: told.append(inputs[1]))
    noise, nothing = draws(2, 6), torch.zeros(2, 0)
    network(noise, Condition(nothing), Text(nothing), Growth(32))
    assert torch.equal(told[0], noise)


def test_every_weight_learns():
    network = generator(residual_blocks=2).train()
    images, _ = network(draws(3, 6), Condition(draws(3, 5)), None, Growth(32))
    sum((image * draws(*image.shape, seed=2)).sum() for image in images).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("resolutions", [(), (4, 8), (64, 64)])
def test_resolutions_that_do_not_double_are_reported(resolutions):
    with pytest.raises(ZooError, match=r"generator\.resolutions"):
        generator(resolutions=resolutions)


def test_channels_that_cannot_be_halved_are_reported():
    with pytest.raises(ZooError, match=r"generator\.base_channels: .* expected a multiple of 4, got 6"):
        generator(base_channels=6)


def generated_of(*images):
    return Round(Generated(images), Text(torch.zeros(2, 1)))


def colours(image):
    """Mean [3] and covariance [3,3] of one image."""
    pixels = image.flatten(1).T  # [N,3]
    mean = pixels.mean(0)
    return mean, sum(torch.outer(p - mean, p - mean) for p in pixels) / len(pixels)


def test_colour_consistency_by_hand():
    small, large = draws(2, 3, 4, 4), draws(2, 3, 8, 8, seed=1)
    by_hand = 0.0
    for of_small, of_large in zip(small, large, strict=True):
        (mean, covariance), (other_mean, other_covariance) = colours(of_small), colours(of_large)
        by_hand += (mean - other_mean).square().mean() / 2
        by_hand += 5 * (covariance - other_covariance).square().mean() / 2
    terms = ColourConsistency().generator(generated_of(small, large))
    assert list(terms) == ["colour_consistency/8"]
    assert torch.allclose(terms["colour_consistency/8"], by_hand)


def test_the_same_colours_at_another_place_and_scale_cost_nothing():
    small = draws(2, 3, 4, 4)
    large = F.interpolate(small, scale_factor=2.0).flip(3)
    assert ColourConsistency().generator(generated_of(small, large))["colour_consistency/8"] < 1e-10


def test_the_smaller_image_leads():
    images = [
        draws(2, 3, resolution, resolution, seed=resolution).requires_grad_() for resolution in (4, 8, 16)
    ]
    sum(ColourConsistency().generator(generated_of(*images)).values()).backward()
    assert images[0].grad is None
    assert all(image.grad.any() for image in images[1:])


def test_one_image_has_nothing_to_agree_with():
    assert ColourConsistency().generator(generated_of(draws(2, 3, 4, 4))) == {}
