"""The growing generator and discriminator, with text (T2F) and without (ProGAN), and their layers."""

from itertools import chain

import pytest
import torch
import torch.nn.functional as F

from zoo_plugins.discriminators.progressive import ProgressiveDiscriminator
from zoo_plugins.equalised import (
    HE,
    EqualisedConv2d,
    EqualisedDoublingConv,
    EqualisedLinear,
    EqualisedSpread,
    MinibatchDeviation,
    PixelNorm,
)
from zoo_plugins.generators.progressive import ProgressiveGenerator
from zoo_registry import Recipe, catalogue
from zoo_registry.contracts import Condition, ConditionSpec, GeneratorSpec, Growth, Text, TextSpec
from zoo_registry.errors import ZooError
from zoo_registry.schema import fill, schema_of

RESOLUTIONS = (4, 8, 16)
GROWING = GeneratorSpec(RESOLUTIONS, noise_width=7, growing=True)


def generated(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def generator(code=5, **settings):
    torch.manual_seed(0)
    settings = {"depth": 3, "width": 12, "wide_until": 8} | settings
    return ProgressiveGenerator(ConditionSpec(code), **settings).eval()


def discriminator(text=6, spec=GROWING, **settings):
    torch.manual_seed(0)
    settings = {"width": 12, "wide_until": 8, "compressed_width": 3} | settings
    return ProgressiveDiscriminator(TextSpec(text), spec, **settings).eval()


def generate(network, growth, rows=3, scale=1.0):
    noise = generated(rows, network.spec.noise_width, seed=2)
    code = generated(rows, 12 - network.spec.noise_width)
    (image,), attention = network(scale * noise, Condition(scale * code), Text(torch.zeros(rows, 0)), growth)
    assert attention == ()
    return image


def judge(network, images, growth, sentence=None):
    (logits,) = network.score(network.features((images,), growth), sentence)
    return logits


def apart(left, right):
    return (left - right).abs().max().item()


# ------------------------------------------------------------------------------------------------------------
# Generator


@torch.no_grad()
def test_one_image_a_growth():
    network = generator()
    assert network.spec == GROWING
    for resolution in RESOLUTIONS:
        assert generate(network, Growth(resolution)).shape == (3, 3, resolution, resolution)


def test_the_largest_resolution_is_reported_before_a_generator_is_built():
    schema = schema_of(catalogue().get("generator", "progressive")).settings
    for depth in (1, 3, 7):
        settings, _ = fill(schema, {"depth": depth, "width": 8}, "generator")
        assert (
            ProgressiveGenerator.largest_resolution(settings) == generator(depth=depth).spec.resolutions[-1]
        )


@torch.no_grad()
@pytest.mark.parametrize("resolution", RESOLUTIONS[1:])
def test_a_new_resolution_starts_as_the_smaller_one_and_takes_over_evenly(resolution):
    network = generator()
    small, large = generate(network, Growth(resolution // 2)), generate(network, Growth(resolution))
    doubled = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert apart(generate(network, Growth(resolution, 0.0)), doubled) < 1e-5
    assert apart(generate(network, Growth(resolution, 0.3)), 0.7 * doubled + 0.3 * large) < 1e-5
    assert apart(generate(network, Growth(resolution, 1.0)), large) == 0
    assert apart(large, doubled) > 0.1
    assert apart(generate(network, Growth(resolution, 1 - 1e-7)), large) < 1e-5


@torch.no_grad()
def test_the_first_resolution_has_nothing_to_fade_in_from():
    assert torch.equal(generate(generator(), Growth(4, 0.2)), generate(generator(), Growth(4)))


def test_a_resolution_trains_the_blocks_up_to_it():
    network = generator()
    generate(network, Growth(8, 0.5)).square().sum().backward()
    trained = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
    assert trained == {name for name, _ in network.named_parameters() if ".16." not in name}


@torch.no_grad()
def test_without_text_all_of_the_latent_is_noise():
    assert generator(code=0).spec.noise_width == 12
    assert generator(code=0, latent_width=30).spec.noise_width == 30
    assert generate(generator(code=0), Growth(16)).shape == (3, 3, 16, 16)


@torch.no_grad()
def test_the_latent_counts_by_its_direction_alone_unless_it_is_taken_as_it_is():
    progan, t2f = generator(), generator(normalise_latent=False)
    for network in (progan, t2f):  # without a bias, the layers' norms take the length out anyway
        network.blocks["4"][0].bias.fill_(0.5)
    assert apart(generate(progan, Growth(8), scale=2), generate(progan, Growth(8))) < 1e-4
    assert apart(generate(t2f, Growth(8), scale=2), generate(t2f, Growth(8))) > 1e-2


@torch.no_grad()
def test_channels_halve_above_a_resolution():
    network = generator(depth=5, width=16, wide_until=8)
    assert {resolution: layer.in_channels for resolution, layer in network.to_image.items()} == {
        "4": 16,
        "8": 16,
        "16": 8,
        "32": 4,
        "64": 2,
    }


def test_a_code_that_leaves_no_room_for_noise_is_reported():
    with pytest.raises(ZooError, match=r"generator\.latent_width: .*expected more than 12, got 12"):
        generator(code=12)


@torch.no_grad()
def test_an_image_does_not_depend_on_its_neighbours_or_on_the_layout():
    network = generator()
    image = generate(network, Growth(16, 0.5))
    assert apart(generate(network.to(memory_format=torch.channels_last), Growth(16, 0.5)), image) < 1e-5
    noise, code = generated(3, 7, seed=2), generated(3, 5)
    (alone,), _ = network(noise[:1], Condition(code[:1]), Text(torch.zeros(1, 0)), Growth(16, 0.5))
    assert apart(alone, image[:1]) < 1e-5


# ------------------------------------------------------------------------------------------------------------
# Discriminator


@torch.no_grad()
@pytest.mark.parametrize("resolution", RESOLUTIONS[1:])
def test_a_new_resolution_is_first_judged_as_the_smaller_one(resolution):
    network, images, sentence = discriminator(), generated(4, 3, resolution, resolution), generated(4, 6)
    new = judge(network, images, Growth(resolution), sentence)
    old = judge(network, F.avg_pool2d(images, 2), Growth(resolution // 2), sentence)
    assert apart(judge(network, images, Growth(resolution, 0.0), sentence), old) < 1e-5
    assert apart(new, old) > 1e-2
    assert apart(judge(network, images, Growth(resolution, 1 - 1e-7), sentence), new) < 1e-5
    half = judge(network, images, Growth(resolution, 0.5), sentence)
    assert apart(half, new) > 1e-3
    assert apart(half, old) > 1e-3


@torch.no_grad()
def test_with_text_the_score_is_of_the_pair():
    network, images, sentence = discriminator(), generated(4, 3, 16, 16), generated(4, 6)
    assert not network.unconditional
    logits = judge(network, images, Growth(16), sentence)
    assert logits.shape == (4,)
    assert apart(judge(network, images, Growth(16), sentence.flip(0)), logits) > 1e-2


@torch.no_grad()
def test_without_text_the_score_is_of_the_image():
    network, images = discriminator(text=0), generated(4, 3, 16, 16)
    assert network.unconditional
    assert judge(network, images, Growth(16)).shape == (4,)
    assert not any("compress" in name or "joint" in name for name, _ in network.named_parameters())


@pytest.mark.parametrize("text", [0, 6])
def test_gradient_penalties_reach_every_weight(text):
    network = discriminator(text)
    images = generated(4, 3, 16, 16).requires_grad_()
    sentence = generated(4, 6) if text else None
    logits = judge(network, images, Growth(16, 0.5), sentence)
    (slope,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    slope.flatten(1).norm(dim=1).sub(1).square().mean().backward()
    for name, parameter in network.named_parameters():
        # a bias moves no slope but where it turns a rectifier over; the 4x4 image is not seen at 16
        if name.endswith("weight") and name != "from_image.4.0.weight":
            assert parameter.grad is not None, name
            if not name.startswith("compress"):
                assert parameter.grad.abs().max() > 0, name
            assert parameter.grad.isfinite().all(), name


def test_the_penalty_is_finite_where_all_images_are_alike():
    network = discriminator()
    images = torch.zeros(4, 3, 16, 16).requires_grad_()
    (slope,) = torch.autograd.grad(
        judge(network, images, Growth(16, 0.5), torch.zeros(4, 6)).sum(), images, create_graph=True
    )
    slope.square().sum().backward()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


@torch.no_grad()
def test_resolutions_of_a_generator_that_begins_above_four():
    network = discriminator(spec=GeneratorSpec((16, 32), 7, growing=True))
    assert list(network.from_image) == ["16", "32"]
    assert judge(network, generated(4, 3, 16, 16), Growth(16, 0.5), generated(4, 6)).shape == (4,)
    assert judge(network, generated(4, 3, 32, 32), Growth(32, 0.5), generated(4, 6)).shape == (4,)


@pytest.mark.parametrize("resolutions", [(3, 6), (4, 16), (12, 24)])
def test_other_resolutions_are_refused(resolutions):
    with pytest.raises(ZooError, match="judges powers of two from 4, each twice the one before"):
        discriminator(spec=GeneratorSpec(resolutions, 7, growing=True))


def test_a_generator_that_does_not_grow_is_refused():
    with pytest.raises(ZooError, match="judges one resolution at a time"):
        discriminator(spec=GeneratorSpec(RESOLUTIONS, 7))


@pytest.mark.parametrize("text", [0, 6])
def test_half_precision(text):
    network, dtypes = generator(), []
    for layer in chain.from_iterable(network.blocks.values()):
        layer.register_forward_hook(lambda _, __, hidden: dtypes.append(hidden.dtype))
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        image = generate(network, Growth(16, 0.5))
        logits = judge(discriminator(text), image, Growth(16, 0.5), generated(3, 6) if text else None)
    assert set(dtypes) == {torch.bfloat16}
    assert image.isfinite().all()
    assert logits.isfinite().all()
    with torch.no_grad():
        exact = generate(generator(), Growth(16, 0.5))
    assert apart(image, exact) < 0.1 * exact.abs().max()


# ------------------------------------------------------------------------------------------------------------
# Layers


@torch.no_grad()
@pytest.mark.parametrize("gain", [1.0, HE])
def test_equalised_layers_keep_the_spread_times_their_gain(gain):
    torch.manual_seed(0)
    layers = {
        EqualisedLinear(64, 512, gain=gain): generated(256, 64),
        EqualisedConv2d(64, 512, 3, gain=gain): generated(64, 64, 5, 5),
        EqualisedSpread(64, 64, gain=gain): generated(256, 64),
        EqualisedDoublingConv(64, 64, gain=gain): generated(16, 64, 1, 1).expand(-1, -1, 8, 8),
    }
    for layer, given in layers.items():
        assert layer.weight.std().item() == pytest.approx(1, rel=0.03)  # all weights of one size
        assert not layer.bias.any()
        seen = layer(given)[..., 2:-2, 2:-2] if isinstance(layer, EqualisedDoublingConv) else layer(given)
        assert seen.std().item() == pytest.approx(gain, rel=0.1)


@torch.no_grad()
def test_doubling_in_one_step_is_doubling_and_then_convolving():
    torch.manual_seed(0)
    once, given = EqualisedDoublingConv(4, 6, gain=HE), generated(2, 4, 5, 5)
    once.bias.copy_(generated(6))
    twice = EqualisedConv2d(4, 6, 3, padding=1, gain=HE)
    twice.load_state_dict(once.state_dict())
    assert apart(once(given), twice(F.interpolate(given, scale_factor=2))) < 1e-5


def test_pixel_norm():
    given = generated(2, 5, 3, 3)
    normal = PixelNorm()(given)
    assert apart(normal.square().mean(1), torch.ones(())) < 1e-5
    ratio = given / normal
    assert apart(ratio, ratio[:, :1]) < 1e-5  # of one direction


def test_deviation_of_a_batch_is_its_spread_over_all_places():
    given = generated(6, 5, 4, 4)
    seen = MinibatchDeviation("batch")(given)
    assert torch.equal(seen[:, :5], given)
    spread = given.std(dim=0, correction=0).mean()
    assert apart(seen[:, 5], spread) < 1e-5
    assert MinibatchDeviation("batch")(given[:1].expand(6, -1, -1, -1))[:, 5].max() < 1e-3


def test_deviation_in_groups():
    given = generated(6, 5, 4, 4)
    seen = MinibatchDeviation(3)(given)[:, 5, 0, 0]
    for first in (0, 1):  # a group's images lie two apart
        spread = given[first::2].std(dim=0, correction=0).mean()
        assert apart(seen[first::2], spread) < 1e-5
    assert torch.equal(MinibatchDeviation(4)(given), MinibatchDeviation("batch")(given))
    assert torch.equal(MinibatchDeviation(8)(given), MinibatchDeviation("batch")(given))


# ------------------------------------------------------------------------------------------------------------
# Recipes


def locked(name):
    return Recipe.read(name, catalogue()).locked()


def test_t2f_readme_has_the_readmes_values():
    recipe = locked("t2f-readme")
    assert (recipe["text_encoder"]["width"], recipe["text_encoder"]["layers"]) == (256, 3)
    assert recipe["conditioning"]["width"] == 178
    assert (recipe["generator"]["depth"], recipe["generator"]["width"]) == (5, 256)
    train = recipe["train"]
    assert [part["resolution"] for part in train["growth"]] == [4, 8, 16, 32, 64]
    assert [part["epochs"] for part in train["growth"]] == [160, 80, 40, 20, 10]
    assert {part["fade"] for part in train["growth"]} == {0.85}
    assert (train["batch_size"], train["generator_lr"], train["betas"]) == (16, 1e-3, [0.0, 0.99])


def test_t2f_code_has_the_values_of_the_authors_file():
    recipe = locked("t2f-code")
    assert recipe["text_encoder"]["width"] == 512
    assert recipe["conditioning"]["width"] == 256
    assert (recipe["generator"]["depth"], recipe["generator"]["width"]) == (7, 512)
    assert recipe["discriminator"]["compressed_width"] == 128
    growth = recipe["train"]["growth"]
    assert [part["epochs"] for part in growth] == [20, 40, 40, 40, 40, 40, 40]
    assert {part["fade"] for part in growth} == {0.5}
    assert growth[-1]["batch_size"] == 14


def test_progan_has_no_text():
    recipe = locked("progan")
    assert "text_encoder" not in recipe
    assert "conditioning" not in recipe
    assert [loss["use"] for loss in recipe["losses"]] == ["wgan-gp"]
