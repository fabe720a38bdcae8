"""Our growing networks, holding pro_gan_pytorch's weights, compute what its own code (3.x) computes."""

import pytest
import torch

from zoo.legacy import convert
from zoo_registry.contracts import Condition, Growth, Text
from zoo_registry.errors import ZooError

TOLERANCE = 1e-4
CHECKPOINTS = [(2, 1.0), (4, 0.4), (6, 1.0), (8, 0.7)]  # the original's depth (2: 4x4) and alpha


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def original(parity):
    return parity("progan_generator_discriminator")


@pytest.fixture(scope="module")
def generator(original):
    return convert("progan", "generator", original.states["generator"], **original.dims)


@pytest.fixture(scope="module")
def discriminator(original):
    return convert("progan", "discriminator", original.states["discriminator"], **original.dims)


def nothing(rows):
    return torch.zeros(rows, 0)


def generate(generator, z, growth):
    (image,), _ = generator(z, Condition(nothing(len(z))), Text(nothing(len(z))), growth)
    return image


@pytest.mark.parametrize(("depth", "alpha"), CHECKPOINTS)
def test_images(original, generator, near, depth, alpha):
    x, resolution = original.arrays, 2**depth
    image = generate(generator, x["z"][:1], Growth(resolution, alpha))
    near(image[..., ::3, ::3] if resolution > 16 else image, x[f"image_depth{depth}_alpha{alpha}"], TOLERANCE)


@pytest.mark.parametrize(("depth", "alpha"), CHECKPOINTS)
def test_scores(original, discriminator, near, depth, alpha):
    x = original.arrays
    features = discriminator.features((x[f"pgx{depth}"],), Growth(2**depth, alpha))
    (scores,) = discriminator.score(features, None)
    near(scores, x[f"score_depth{depth}_alpha{alpha}"], TOLERANCE)


def test_sizes_are_read_off_the_tensors(original, generator, discriminator):
    assert generator.spec.resolutions == (4, 8, 16, 32, 64, 128, 256)
    assert generator.spec.noise_width == 512
    state = {
        name: tensor
        for name, tensor in original.states["generator"].items()
        if int(name.split(".")[1]) < 3  # up to 16x16
    }
    first = "layers.0.conv_1.weight"
    smaller = convert("progan", "generator", state | {first: state[first][:100]})
    assert smaller.spec.resolutions == (4, 8, 16)
    assert smaller.spec.noise_width == 100
    own = original.states["discriminator"]
    kept = {f"layers.{n}.": f"layers.{n - 5}." for n in (5, 6)} | {
        f"from_rgb.{n}.": f"from_rgb.{n - 5}." for n in (5, 6)
    }
    state = {ours + name[len(old) :]: own[name] for old, ours in kept.items() for name in own if old in name}
    narrow = {
        "layers.1.conv_2.weight": state["layers.1.conv_2.weight"][:100],
        "layers.1.conv_2.bias": state["layers.1.conv_2.bias"][:100],
        "layers.1.conv_3.weight": state["layers.1.conv_3.weight"][:, :100],
    }
    smaller = convert("progan", "discriminator", state | narrow)
    assert list(smaller.from_image) == ["4", "8"]


def test_of_a_whole_file_the_averaged_generator_is_taken(original, generator):
    """The file's nested tables come with their names joined by dots."""
    own = original.states["generator"]
    file = {f"shadow_generator.state_dict.{name}": tensor for name, tensor in own.items()}
    file |= {f"generator.state_dict.{name}": torch.zeros_like(tensor) for name, tensor in own.items()}
    file |= {"gen_optim.state.0.exp_avg": torch.zeros(1)}
    z = original.arrays["z"][:1]
    averaged = convert("progan", "generator", file)
    assert torch.equal(generate(averaged, z, Growth(4)), generate(generator, z, Growth(4)))
    live = convert(
        "progan", "generator", {name: tensor for name, tensor in file.items() if "shadow" not in name}
    )
    assert not generate(live, z, Growth(4)).any()


def test_the_file_of_another_part_is_reported(original):
    with pytest.raises(ZooError, match=r"not the weights of a ProGAN generator.*'rgb_converters\.0\.weight'"):
        convert("progan", "generator", original.states["discriminator"])
    with pytest.raises(
        ZooError, match=r"not the weights of a ProGAN discriminator.*'from_rgb\.0\.0\.weight'"
    ):
        convert("progan", "discriminator", original.states["generator"])
