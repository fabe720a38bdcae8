"""The DCGAN generators and discriminators of GAN-CLS."""

import pytest
import torch
from torch.func import functional_call

from zoo_plugins.discriminators import dcgan, dcgan_residual
from zoo_plugins.generators.dcgan import DCGAN
from zoo_plugins.generators.dcgan_residual import DCGANResidual
from zoo_registry import catalogue
from zoo_registry.contracts import Condition, ConditionSpec, GeneratorSpec, Growth, Text, TextSpec
from zoo_registry.errors import ZooError
from zoo_registry.schema import fill, schema_of

Judge = dcgan.DCGAN
GENERATORS, JUDGES = (DCGAN, DCGANResidual), (Judge, dcgan_residual.DCGANResidual)


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def generator(kind, *, width=5, **settings):
    torch.manual_seed(0)
    return kind(ConditionSpec(width), **{"base_channels": 4, "noise_width": 6} | settings)


def judge(kind, *, width=7, resolution=32, **settings):
    torch.manual_seed(0)
    settings = {"base_channels": 4, "text_width": 3} | settings
    return kind(TextSpec(width), GeneratorSpec((resolution // 2, resolution), 6), **settings)


@torch.no_grad()
@pytest.mark.parametrize("kind", GENERATORS)
@pytest.mark.parametrize("resolution", [8, 16, 64, 128])
def test_one_image_of_the_resolution(kind, resolution):
    network = generator(kind, resolution=resolution).eval()
    (image,), attention = network(draws(2, 6), Condition(draws(2, 5)), Text(draws(2, 3)), Growth(resolution))
    assert image.shape == (2, 3, resolution, resolution)
    assert image.abs().max() <= 1
    assert attention == ()


def test_channels_halve_where_the_resolution_doubles():
    layers = [block[0] for block in generator(DCGAN, base_channels=64).blocks]
    assert [layer.out_channels for layer in layers] == [512, 256, 128, 64]
    assert layers[0].in_channels == 11


@torch.no_grad()
@pytest.mark.parametrize("kind", GENERATORS)
def test_without_text_noise_alone_generates(kind):
    network = generator(kind, width=0).eval()
    nothing = torch.zeros(2, 0)
    (image,), _ = network(draws(2, 6), Condition(nothing), Text(nothing), Growth(64))
    assert not torch.equal(image[0], image[1])


@torch.no_grad()
@pytest.mark.parametrize("kind", GENERATORS)
def test_the_code_counts(kind):
    network, noise = generator(kind), draws(4, 6)
    one, other = (network(noise, Condition(draws(4, 5, seed=i)), None, Growth(64)).images[0] for i in (1, 2))
    assert (one - other).abs().max() > 1e-2


@torch.no_grad()
def test_the_residual_blocks_stand_at_4x4_and_8x8():
    """With the last gain of each at zero, what is left is the plain network."""
    plain, residual = generator(DCGAN), generator(DCGANResidual)
    inputs = (draws(4, 6), Condition(draws(4, 5)), None, Growth(64))
    weights = residual.state_dict() | plain.state_dict()
    gains = [name for name in weights if name.endswith(".2.block.7.weight")]
    assert [weights[name].shape[0] for name in gains] == [32, 16]
    with_blocks = functional_call(residual, weights, inputs).images[0]
    for name in gains:
        weights[name] = torch.zeros_like(weights[name])
    without = functional_call(residual, weights, inputs).images[0]
    assert torch.allclose(without, plain(*inputs).images[0], atol=1e-6)
    assert (with_blocks - without).abs().max() > 1e-2


@pytest.mark.parametrize("kind", GENERATORS)
@pytest.mark.parametrize("resolution", [4, 48])
def test_resolutions_that_doubling_does_not_reach_are_reported(kind, resolution):
    with pytest.raises(ZooError, match=rf"generator\.resolution: .*power of two.*got {resolution}"):
        generator(kind, resolution=resolution)


@pytest.mark.parametrize("name", ["dcgan", "dcgan-residual"])
def test_the_largest_resolution_is_known_before_building(name):
    component = catalogue().get("generator", name)
    settings, problems = fill(schema_of(component).settings, {"resolution": 128}, name)
    assert not problems
    assert component.load().largest_resolution(settings) == 128


@torch.no_grad()
@pytest.mark.parametrize("kind", JUDGES)
@pytest.mark.parametrize("resolution", [8, 32, 128])
def test_one_logit_for_the_largest_image(kind, resolution):
    network = judge(kind, resolution=resolution, unconditional=True).eval()
    images = (draws(2, 3, resolution // 2, resolution // 2), draws(2, 3, resolution, resolution))
    features = network.features(images, Growth(resolution))
    assert [tuple(f.shape[2:]) for f in features] == [(4, 4)]
    for sentence in (draws(2, 7), None):
        assert [tuple(s.shape) for s in network.score(features, sentence)] == [(2,)]
    smaller_too = network.features(
        (draws(2, 3, resolution // 2, resolution // 2, seed=1), images[1]), Growth(resolution)
    )
    assert torch.equal(features[0], smaller_too[0])


@pytest.mark.parametrize("kind", JUDGES)
def test_heads(kind):
    assert not judge(kind).unconditional
    assert "unconditional" not in judge(kind).heads
    without_text = judge(kind, width=0)
    assert without_text.unconditional
    assert list(without_text.heads) == ["unconditional"]


@torch.no_grad()
def test_only_the_joint_convolution_tells_which_image_goes_with_which_sentence():
    """Without it a score is a sum of the image's and the sentence's: swapped sentences score the same."""

    def gain(network):
        features = network.features((None, draws(2, 3, 32, 32)), Growth(32))
        sentences = draws(2, 7, seed=1)
        together, swapped = (network.score(features, s)[0] for s in (sentences, sentences.flip(0)))
        return (together.sum() - swapped.sum()).abs(), together.sum().abs()

    gap, size = gain(judge(Judge, joint=False).eval())
    assert gap < 1e-5 * size
    gap, size = gain(judge(Judge).eval())
    assert gap > 1e-3 * size


@pytest.mark.parametrize("kind", JUDGES)
@pytest.mark.parametrize("norm", ["batch", "spectral", "none"])
def test_a_gradient_penalty_reaches_every_weight(kind, norm):
    network = judge(kind, norm=norm, unconditional=True)
    image, sentence = draws(3, 3, 32, 32).requires_grad_(), draws(3, 7).requires_grad_()
    features = network.features((None, image), Growth(32))
    score = network.score(features, sentence)[0] + network.score(features, None)[0]
    slopes = torch.autograd.grad(score.sum(), (image, sentence), create_graph=True)
    (sum(slope.square().sum() for slope in slopes) + score.square().sum()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@torch.no_grad()
@pytest.mark.parametrize("kind", JUDGES)
def test_spectral_norm_bounds_every_kernel(kind):
    network = judge(kind, norm="spectral")
    for _ in range(30):  # each step of the power iteration comes nearer to the largest singular value
        features = network.features((None, draws(2, 3, 32, 32)), Growth(32))
        network.score(features, draws(2, 7))
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(layers) >= 6
    assert not [m for m in network.modules() if "BatchNorm" in type(m).__name__]
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2) == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("kind", JUDGES)
def test_a_growing_generator_is_refused(kind):
    with pytest.raises(ZooError, match="one at a time"):
        kind(TextSpec(6), GeneratorSpec((8, 16), 4, growing=True))
