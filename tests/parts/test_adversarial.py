"""The discriminators per resolution and their cross entropy."""

import pytest
import torch
from torch.nn.functional import logsigmoid

from zoo_plugins.discriminators.pyramid import Pyramid
from zoo_plugins.losses.bce import BinaryCrossEntropy
from zoo_registry.contracts import Generated, GeneratorSpec, Growth, Round, Text, TextSpec
from zoo_registry.errors import ZooError

GROWTH = Growth(128)


def pyramid(*resolutions, **settings):
    torch.manual_seed(0)
    return Pyramid(TextSpec(6), GeneratorSpec(resolutions, 4), **{"base_channels": 2} | settings).eval()


def images(count, *resolutions, seed=0):
    generate = torch.Generator().manual_seed(seed)
    return tuple(
        torch.rand(count, 3, resolution, resolution, generator=generate) * 2 - 1 for resolution in resolutions
    )


@torch.no_grad()
@pytest.mark.parametrize("resolutions", [(8, 16, 32), (64, 128, 256), (512,)])
def test_one_logit_an_image_and_resolution(resolutions):
    network = pyramid(*resolutions)
    features = network.features(images(2, *resolutions), GROWTH)
    assert [tuple(at_resolution.shape) for at_resolution in features] == [(2, 16, 4, 4)] * len(resolutions)
    for sentence in (torch.randn(2, 6, generator=torch.Generator().manual_seed(1)), None):
        assert [tuple(logit.shape) for logit in network.score(features, sentence)] == [(2,)] * len(
            resolutions
        )


@torch.no_grad()
def test_the_sentence_counts():
    network = pyramid(16)
    features = network.features(images(2, 16), GROWTH)
    generate = torch.Generator().manual_seed(1)
    one, other = (network.score(features, torch.randn(2, 6, generator=generate))[0] for _ in range(2))
    assert (one - other).abs().min() > 1e-3


def test_without_the_unconditional_head_there_are_no_weights_for_it():
    assert not [name for name in pyramid(16, unconditional=False).state_dict() if "unconditional" in name]


def test_a_growing_generator_is_refused():
    with pytest.raises(ZooError, match="one at a time"):
        Pyramid(TextSpec(6), GeneratorSpec((8, 16), 4, growing=True))


def round_of(network):
    sentence = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
    return Round(
        generated=Generated(images(3, 16, 32, seed=1)),
        text=Text(sentence),
        real=images(3, 16, 32, seed=2),
        sentence=sentence,
        mismatch=(torch.tensor([0, 1, 2]), torch.tensor([2, 0, 1])),
        discriminator=network,
    )


@torch.no_grad()
@pytest.mark.parametrize("unconditional", [True, False])
def test_cross_entropy_by_hand(unconditional):
    network = pyramid(16, 32, unconditional=unconditional)
    round, loss = round_of(network), BinaryCrossEntropy()
    sentence = round.text.sentence
    learns, draws = loss.discriminator(round), loss.generator(round)
    assert list(learns) == list(draws) == ["adversarial/16", "adversarial/32"]
    for i, resolution in enumerate((16, 32)):
        real, fake = (network.features(batch, GROWTH) for batch in (round.real, round.generated.images))

        def is_real(features, sentence, i=i):
            return -logsigmoid(network.score(features, sentence)[i]).mean()

        def is_fake(features, sentence, i=i):
            return -logsigmoid(-network.score(features, sentence)[i]).mean()

        wrong = is_fake(real, sentence[[2, 0, 1]])
        if unconditional:
            d_loss = (is_real(real, sentence) + is_real(real, None)) / 2
            d_loss += (is_fake(fake, sentence) + is_fake(fake, None) + wrong) / 3
            g_loss = is_real(fake, sentence) + is_real(fake, None)
        else:
            d_loss = is_real(real, sentence) + (is_fake(fake, sentence) + wrong) / 2
            g_loss = is_real(fake, sentence)
        assert torch.allclose(learns[f"adversarial/{resolution}"], d_loss, rtol=1e-5)
        assert torch.allclose(draws[f"adversarial/{resolution}"], g_loss, rtol=1e-5)


def test_the_pixels_are_passed_once():
    network, passes = pyramid(16, 32), []
    network.networks["16"].trunk.register_forward_hook(lambda *_: passes.append(1))
    round = round_of(network)
    BinaryCrossEntropy().discriminator(round)
    assert len(passes) == 2  # real and generated
