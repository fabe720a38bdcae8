"""Our parts, holding the weights of GAN-CLS's PyTorch port, compute what the port's own code computes."""

import pytest
import torch

from zoo.legacy import convert
from zoo_registry.contracts import Growth, Text
from zoo_registry.errors import ZooError

IMAGES, EMBEDDINGS = 1e-4, 1e-5


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def test_generator_and_its_projection(parity, near):
    state, _, x, _ = parity("gancls_generator")
    generator = convert("gan-cls", "generator", state)
    assert generator.spec.noise_width == 100
    condition = generator.conditioning(x["embedding"])
    (image,), attention = generator(x["z"], condition, Text(x["embedding"]), Growth(64))
    assert attention == ()
    near(image[..., ::2, ::2], x["image"], IMAGES)


def test_discriminator(parity, near):
    state, _, x, _ = parity("gancls_discriminator")
    discriminator = convert("gan-cls", "discriminator", state)
    assert not discriminator.unconditional
    features = discriminator.features((x["image"],), Growth(64))
    near(features[0][:, ::4], x["features"], IMAGES)
    (logit,) = discriminator.score(features, x["sentence"])  # the port ends in a sigmoid
    near(logit.sigmoid(), x["conditional"], EMBEDDINGS)


def test_sizes_are_read_off_the_tensors(parity):
    """The last doubling of the generator and the second halving of the discriminator left out: 32 px."""
    state, _, _, _ = parity("gancls_generator")
    numbers = {9: None, 10: None, 12: 9}
    smaller = {}
    for name, tensor in state.items():
        network, number, *rest = name.split(".")
        place = numbers.get(int(number), number) if network == "netG" else number
        if place is not None:
            smaller[".".join([network, str(place), *rest])] = tensor
    smaller["netG.9.weight"] = torch.zeros(128, 3, 4, 4)
    generator = convert("gan-cls", "generator", smaller)
    assert generator.spec.resolutions == (32,)
    assert generator.to_image[0].in_channels == 128


def test_a_discriminator_with_the_papers_joint_convolution(parity):
    state, _, _, _ = parity("gancls_discriminator")
    norm = {"weight": 512, "bias": 512, "running_mean": 512, "running_var": 512}
    state = {name: tensor for name, tensor in state.items() if not name.startswith("netD_2")} | {
        "netD_2.0.weight": torch.ones(512, 640, 1, 1),
        **{f"netD_2.1.{name}": torch.ones(width) for name, width in norm.items()},
        "netD_2.1.num_batches_tracked": torch.tensor(0),
        "netD_2.3.weight": torch.ones(1, 512, 4, 4),
    }
    discriminator = convert("gan-cls", "discriminator", state)
    assert discriminator.heads["conditional"].joint is not None
    features = discriminator.features((torch.zeros(2, 3, 64, 64),), Growth(64))
    assert discriminator.score(features, torch.zeros(2, 1024))[0].shape == (2,)


def test_the_file_of_another_part_is_reported(parity):
    state, _, _, _ = parity("gancls_discriminator")
    with pytest.raises(ZooError, match=r"not the weights of a GAN-CLS generator.*'projection\.0\.weight'"):
        convert("gan-cls", "generator", state)
