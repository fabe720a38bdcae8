"""Our parts, holding DF-GAN's weights, compute what DF-GAN's own code computes."""

import pytest
import torch

from zoo.legacy import convert
from zoo_registry.contracts import Growth, Text
from zoo_registry.errors import ZooError

IMAGES = 1e-4


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def test_generator(parity, near):
    _, dims, x, states = parity("dfgan")
    generator = convert("df-gan", "generator", states["generator"], **dims)
    condition = generator.conditioning(x["sentence"])
    assert torch.equal(condition.code, x["sentence"])
    (image,), attention = generator(x["z"], condition, Text(x["sentence"]), Growth(256))
    near(image[..., ::3, ::3], x["image"], IMAGES)
    assert attention == ()


def test_discriminator(parity, near):
    _, dims, x, states = parity("dfgan")
    discriminator = convert("df-gan", "discriminator", {**states["discriminator"], **states["head"]}, **dims)
    features = discriminator.features((x["dfx"],), Growth(256))
    near(features[0], x["features"], IMAGES)
    (score,) = discriminator.score(features, x["sentence"])
    near(score, x["score"].flatten(), IMAGES)
    assert not discriminator.unconditional


def test_a_file_holds_all_networks(parity):
    _, _, _, states = parity("dfgan")
    networks = zip(("netG", "netD", "netC"), states.values(), strict=True)
    file = {net: {f"module.{name}": tensor for name, tensor in state.items()} for net, state in networks}
    both = {**states["discriminator"], **states["head"]}
    for part, alone in (("generator", states["generator"]), ("discriminator", both)):
        whole, one = convert("df-gan", part, file), convert("df-gan", part, alone)
        assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), one.parameters(), strict=True))


def test_a_discriminator_without_its_head_is_reported(parity):
    _, _, _, states = parity("dfgan")
    with pytest.raises(ZooError, match=r"netD and netC in one state.*'joint_conv\.0\.weight'"):
        convert("df-gan", "discriminator", states["discriminator"])


def test_the_resolution_is_read_off_the_blocks(parity, near):
    _, _, x, states = parity("dfgan")
    state = {**states["discriminator"], **states["head"]}
    smaller = {name: tensor for name, tensor in state.items() if "DBlocks.5." not in name}
    whole, part = (convert("df-gan", "discriminator", s) for s in (state, smaller))
    image = x["dfx"][..., :128, :128]
    ours = part.features((image,), Growth(128))[0]
    assert ours.shape == (2, 256, 4, 4)
    near(ours, whole.blocks[:5](whole.first(image)), IMAGES)


def test_a_name_that_df_gan_does_not_have_is_reported(parity):
    _, _, _, states = parity("dfgan")
    state = {**states["generator"], "GBlocks.0.att.weight": torch.zeros(1)}
    with pytest.raises(ZooError, match=r"a DF-GAN generator has no place.*GBlocks\.0\.att"):
        convert("df-gan", "generator", state)
