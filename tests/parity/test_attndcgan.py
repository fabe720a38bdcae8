"""Our parts, holding AttnDCGAN's weights, compute what AttnDCGAN's own code computes."""

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


def test_generator_and_its_conditioning(parity, near):
    state, _, x, _ = parity("attndcgan_generator")
    generator = convert("attndcgan", "generator", state)
    condition = generator.conditioning(x["sentence"], noise=x["eps"])
    near(condition.mean, x["mu"], EMBEDDINGS)
    text = Text(x["sentence"], x["words"].transpose(1, 2), ~x["mask"])
    (image,), attention = generator(x["z"], condition, text, Growth(256))
    assert generator.spec.resolutions == (256,)
    near(image[..., ::5, ::5], x["image"], IMAGES)
    near(attention[0][:1, :, ::7, ::7], x["attention0"], IMAGES)
    near(attention[1][:1, :, ::13, ::13], x["attention1"], IMAGES)


def test_discriminator(parity, near):
    state, _, x, _ = parity("attndcgan_discriminator256")
    discriminator = convert("attndcgan", "discriminator", state)
    assert not discriminator.unconditional
    features = discriminator.features((x["image"],), Growth(256))
    near(features[0], x["features"], IMAGES)
    near(discriminator.score(features, x["sentence"])[0].sigmoid(), x["conditional"], EMBEDDINGS)


def test_attngans_file_is_reported(parity):
    state, _, _, _ = parity("attngan_generator")
    with pytest.raises(
        ZooError, match=r"not the weights of an AttnDCGAN generator.*'img_net\.img\.0\.weight'"
    ):
        convert("attndcgan", "generator", state)
