"""Our growing networks, holding T2F's weights, compute what T2F's own code computes."""

import pytest
import torch

from zoo.legacy import convert
from zoo_registry.contracts import Condition, Growth, Text
from zoo_registry.errors import ZooError

TOLERANCE = 1e-4
CHECKPOINTS = [(0, 1.0), (1, 0.3), (3, 0.75), (4, 1.0), (5, 0.5), (6, 0.9)]  # the original's depth, alpha


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def original(parity):
    return parity("t2f_generator_discriminator")


@pytest.fixture(scope="module")
def generator(original):
    return convert("t2f", "generator", original.states["generator"], condition=256)


@pytest.fixture(scope="module")
def discriminator(original):
    return convert("t2f", "discriminator", original.states["discriminator"])


@pytest.mark.parametrize(("depth", "alpha"), CHECKPOINTS)
def test_images(original, generator, near, depth, alpha):
    x, resolution = original.arrays, 4 << depth
    answer = x[f"image_depth{depth}_alpha{alpha}"]
    code, noise = x["z"][: len(answer)].split(256, dim=1)  # the original's latent: the code, then noise
    (image,), _ = generator(noise, Condition(code), Text(x["embedding"]), Growth(resolution, alpha))
    near(image[..., ::3, ::3] if resolution > 16 else image, answer, TOLERANCE)


@pytest.mark.parametrize(("depth", "alpha"), CHECKPOINTS)
def test_scores(original, discriminator, near, depth, alpha):
    x = original.arrays
    features = discriminator.features((x[f"t2fx{depth}"],), Growth(4 << depth, alpha))
    (scores,) = discriminator.score(features, x["embedding"])
    near(scores, x[f"score_depth{depth}_alpha{alpha}"], TOLERANCE)


def test_sizes_are_read_off_the_tensors(original, generator, discriminator):
    assert generator.spec.resolutions == (4, 8, 16, 32, 64, 128, 256)
    assert generator.spec.noise_width == 256
    assert convert("t2f", "generator", original.states["generator"]).spec.noise_width == 512
    assert not discriminator.unconditional
    state = dict(original.states["discriminator"])
    state["final_block.compressor.linear.weight"] = torch.zeros(32, 40)
    state["final_block.compressor.bias"] = torch.zeros(32)
    state["final_block.conv_2.conv.weight"] = torch.zeros(512, 544, 1, 1)
    smaller = convert("t2f", "discriminator", state)
    assert (smaller.compress.in_features, smaller.compress.out_features) == (40, 32)


def test_names_of_another_system_are_reported(original):
    with pytest.raises(ZooError, match=r"not the weights of a T2F generator.*'initial_block\.conv_1\."):
        convert("t2f", "generator", original.states["discriminator"])
    state = {**original.states["discriminator"], "final_block.projector.weight": torch.zeros(1)}
    with pytest.raises(ZooError, match=r"has no place for these weights: final_block\.projector\.weight"):
        convert("t2f", "discriminator", state)
