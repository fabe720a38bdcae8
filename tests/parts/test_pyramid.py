"""What the pyramid has beyond AttnGAN: norms, the largest resolution alone, no text."""

import pytest
import torch

from zoo_plugins.discriminators.pyramid import Pyramid
from zoo_plugins.generators.attention_stages import AttentionStages
from zoo_registry.contracts import Condition, ConditionSpec, GeneratorSpec, Growth, Text, TextSpec

GROWTH = Growth(32)


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def pyramid(*resolutions, width=6, **settings):
    torch.manual_seed(0)
    return Pyramid(TextSpec(width), GeneratorSpec(resolutions, 4), **{"base_channels": 2} | settings)


def scores(network, image):
    features = network.features((image,), GROWTH)
    return torch.stack([network.score(features, told)[0] for told in (draws(len(image), 6, seed=1), None)])


@torch.no_grad()
def test_spectral_norm_bounds_every_kernel_but_the_last():
    network = pyramid(32, norm="spectral")
    for _ in range(30):  # each step of the power iteration comes nearer to the largest singular value
        scores(network, draws(2, 3, 32, 32))
    at_resolution = network.networks["32"]
    bounded = [m for part in (at_resolution.trunk, at_resolution.joint) for m in part.modules()]
    bounded = [m for m in bounded if isinstance(m, torch.nn.Conv2d)]
    assert len(bounded) == 5
    for layer in bounded:
        assert layer.bias is not None
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2) == pytest.approx(1, rel=0.05)
    assert not hasattr(at_resolution.conditional, "parametrizations")


@pytest.mark.parametrize("norm", ["spectral", "none"])
def test_without_batch_norm_images_are_judged_one_by_one(norm):
    network, images = pyramid(32, norm=norm), draws(3, 3, 32, 32)
    network.train()
    together = scores(network, images)
    network.eval()  # the same weights: spectral norm's estimate stays
    before = scores(network, images)
    assert torch.allclose(together, before, rtol=1e-3, atol=1e-4)
    assert torch.allclose(scores(network, images[:1])[1], before[1, :1], atol=1e-5)


def test_spectral_norm_survives_saving_and_loading():
    trained, fresh = pyramid(32, norm="spectral"), pyramid(32, norm="spectral")
    optimiser = torch.optim.SGD(trained.parameters(), lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        scores(trained, draws(2, 3, 32, 32)).sum().backward()
        optimiser.step()
    fresh.load_state_dict(trained.state_dict())
    image = draws(2, 3, 32, 32, seed=1)
    for network in (trained, fresh):
        network.eval()
    assert torch.equal(scores(trained, image), scores(fresh, image))
    assert torch.equal(scores(trained, image), scores(trained, image))
    for network in (trained, fresh):  # and training goes on alike
        network.train()
        scores(network, image)
    assert all(
        torch.equal(a, b)
        for a, b in zip(trained.state_dict().values(), fresh.state_dict().values(), strict=True)
    )


def test_spectral_norm_keeps_orthogonal_starts():
    kernel = pyramid(32, norm="spectral").networks["32"].trunk[1][0].weight.flatten(1)
    assert torch.allclose(kernel @ kernel.T, torch.eye(len(kernel)), atol=1e-4)


@pytest.mark.parametrize("norm", ["batch", "spectral", "none"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_gradient_penalty_reaches_every_weight(norm, layout):
    network = pyramid(32, norm=norm).to(memory_format=layout)
    image = draws(3, 3, 32, 32).contiguous(memory_format=layout).requires_grad_()
    both = scores(network, image)
    (slope,) = torch.autograd.grad(both.sum(), image, create_graph=True)
    (slope.square().sum() + both.square().sum()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@torch.no_grad()
def test_the_largest_alone():
    network = pyramid(8, 16, 32, judges="largest").eval()
    assert list(network.networks) == ["32"]
    images = tuple(draws(2, 3, resolution, resolution) for resolution in (8, 16, 32))
    features = network.features(images, GROWTH)
    assert torch.equal(features[0], network.networks["32"].trunk(images[2]))
    assert [tuple(s.shape) for s in network.score(features, draws(2, 6))] == [(2,)]


@torch.no_grad()
def test_without_text_there_is_only_the_unconditional_head():
    network = pyramid(16, 32, width=0, unconditional=False).eval()
    assert network.unconditional
    assert not [name for name in network.state_dict() if ".joint" in name or ".conditional" in name]
    features = network.features((draws(2, 3, 16, 16), draws(2, 3, 32, 32)), GROWTH)
    assert [tuple(s.shape) for s in network.score(features, None)] == [(2,), (2,)]


def stages(**settings):
    torch.manual_seed(0)
    settings = {"resolutions": (8, 16, 32), "base_channels": 4, "noise_width": 6} | settings
    return AttentionStages(TextSpec(6, words=True), ConditionSpec(5), **settings).eval()


@torch.no_grad()
def test_a_generator_that_generates_the_largest_image_alone():
    """AttnDCGAN: every stage attends, one generates; without residual blocks."""
    network = stages(images="largest", residual_blocks=0)
    assert network.spec.resolutions == (32,)
    text = Text(draws(2, 6), draws(2, 4, 6), torch.ones(2, 4, dtype=torch.bool))
    inputs = (draws(2, 6), Condition(draws(2, 5)), text, GROWTH)
    images, attention = network(*inputs)
    assert [tuple(image.shape) for image in images] == [(2, 3, 32, 32)]
    assert [tuple(maps.shape[2:]) for maps in attention] == [(8, 8), (16, 16)]
    every = stages(residual_blocks=0)
    weights = network.state_dict()
    weights |= {f"to_image.{i}.0.weight": weights["to_image.0.0.weight"] for i in range(3)}
    every.load_state_dict(weights)
    assert torch.equal(every(*inputs).images[-1], images[0])
