"""Our parts, holding StackGAN++'s weights, compute what StackGAN++'s own code computes."""

import pytest
import torch

from zoo.legacy import convert
from zoo_registry.contracts import Condition, Growth, Text
from zoo_registry.errors import ZooError

IMAGES, EMBEDDINGS = 1e-4, 1e-5


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def test_generator_and_its_conditioning(parity, near):
    state, _, x, _ = parity("stackgan2_generator")
    generator = convert("stackgan2", "generator", {f"module.{name}": t for name, t in state.items()})
    condition = generator.conditioning(x["sentence"], noise=x["eps"])
    near(condition.mean, x["mu"], EMBEDDINGS)
    near(condition.logvar, x["logvar"], EMBEDDINGS)
    images, _ = generator(x["z"], condition, Text(x["sentence"]), Growth(256))
    assert [image.shape[-1] for image in images] == [64, 128, 256]
    near(images[0][..., ::3, ::3], x["image0"], IMAGES)
    near(images[1][..., ::5, ::5], x["image1"], IMAGES)
    near(images[2][..., ::9, ::9], x["image2"], IMAGES)


def test_generator_without_text(parity, near):
    state, _, x, _ = parity("stackgan2_generator_without_text")
    generator = convert("stackgan2", "generator", state)
    assert not hasattr(generator, "conditioning")
    nothing = torch.zeros(2, 0)
    images, _ = generator(x["z"], Condition(nothing), Text(nothing), Growth(128))
    near(images[0][..., ::3, ::3], x["image0"], IMAGES)
    near(images[1][..., ::5, ::5], x["image1"], IMAGES)


def test_discriminator(parity, near):
    state, _, x, _ = parity("stackgan2_discriminator128")
    discriminator = convert("stackgan2", "discriminator", state)
    features = discriminator.features((x["image"],), Growth(128))
    near(features[0], x["features"], IMAGES)
    # the original ends in a sigmoid, ours in logits
    near(discriminator.score(features, x["mean"])[0].sigmoid(), x["conditional"], EMBEDDINGS)
    near(discriminator.score(features, None)[0].sigmoid(), x["unconditional"], EMBEDDINGS)


def test_discriminator_without_text(parity, near):
    state, _, x, _ = parity("stackgan2_discriminator64_without_text")
    discriminator = convert("stackgan2", "discriminator", state)
    features = discriminator.features((x["image"],), Growth(64))
    near(discriminator.score(features, None)[0].sigmoid(), x["unconditional"], EMBEDDINGS)


def test_batch_norms_of_old_files_have_no_count(parity):
    state, _, _, _ = parity("stackgan2_discriminator64_without_text")
    old = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    ours, theirs = (convert("stackgan2", "discriminator", s) for s in (state, old))
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_the_file_of_another_part_is_reported(parity):
    state, _, _, _ = parity("stackgan2_generator_without_text")
    with pytest.raises(ZooError, match=r"not the weights of a StackGAN\+\+ discriminator"):
        convert("stackgan2", "discriminator", state)
