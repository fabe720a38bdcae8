"""Our parts, holding DM-GAN's weights, compute what DM-GAN's own code computes.

The numbers are of the authors' code (MIT) with small widths; the captions of a batch differ in length, so the
authors' order of the mask shows.
"""

import pytest
import torch

from zoo.legacy import convert
from zoo_plugins.generators.memory_stages import MemoryStages
from zoo_registry.contracts import Growth, Text
from zoo_registry.errors import ZooError

IMAGES, EMBEDDINGS = 1e-4, 1e-5


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def generated_of(generator, x):
    condition = generator.conditioning(x["sentence"], noise=x["eps"])
    text = Text(x["sentence"], x["words"].transpose(1, 2), ~x["mask"])
    return condition, generator(x["z"], condition, text, Growth(256))


def test_generator_and_its_conditioning(parity, near):
    state, dims, x, _ = parity("dmgan_generator")
    condition, (images, attention) = generated_of(convert("dm-gan", "generator", state, **dims), x)
    near(condition.mean, x["mu"], EMBEDDINGS)
    near(condition.logvar, x["logvar"], EMBEDDINGS)
    assert [image.shape[-1] for image in images] == [64, 128, 256]
    near(images[0][..., ::3, ::3], x["image0"], IMAGES)
    near(images[1][:1, ..., ::3, ::3], x["image1"], IMAGES)
    near(images[2][:1, ..., ::3, ::3], x["image2"], IMAGES)
    near(attention[0][..., ::3, ::3], x["attention0"], IMAGES)
    near(attention[1][:1, ..., ::3, ::3], x["attention1"], IMAGES)


def test_the_right_mask_layout_generates_captions_of_unequal_length_otherwise(parity):
    state, _, x, _ = parity("dmgan_generator")
    theirs = convert("dm-gan", "generator", state)
    _, generated = generated_of(theirs, x)
    for stage in theirs.later:
        stage.mask_layout = "right"
    assert isinstance(theirs, MemoryStages)
    _, right = generated_of(theirs, x)
    assert not right.attention[0][1, 3:].any()  # the second caption's padding
    assert generated.attention[0][1, 3:].any()


@pytest.mark.parametrize("resolution", [64, 256])
def test_discriminator(parity, near, resolution):
    state, dims, x, _ = parity(f"dmgan_discriminator{resolution}")
    discriminator = convert("dm-gan", "discriminator", state, **dims)
    features = discriminator.features((x[f"image{resolution}"],), Growth(resolution))
    near(features[0], x["features"], IMAGES)
    # the original ends in a sigmoid, ours in logits
    near(discriminator.score(features, x["sentence"])[0].sigmoid(), x["conditional"], EMBEDDINGS)
    near(discriminator.score(features, None)[0].sigmoid(), x["unconditional"], EMBEDDINGS)


def test_the_file_of_another_system_is_reported(parity):
    state, _, _, _ = parity("attngan_generator")
    with pytest.raises(ZooError, match=r"not the weights of a DM-GAN generator.*'h_net2\.M_w\.0\.weight'"):
        convert("dm-gan", "generator", state)
    state, _, _, _ = parity("attngan_discriminator64")
    with pytest.raises(ZooError, match="not the weights of a DM-GAN discriminator"):
        convert("dm-gan", "discriminator", state)


def test_its_text_encoder_is_attngans(parity):
    state, dims, _, _ = parity("attngan_text_encoder")
    assert convert("dm-gan", "text_encoder", state, **dims).spec.width == 256
