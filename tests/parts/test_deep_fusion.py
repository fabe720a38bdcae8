"""The generator of deep fusion and its one-way discriminator."""

import pytest
import torch
import torch.nn.functional as F

from zoo_plugins.discriminators.one_way import OneWay
from zoo_plugins.generators.deep_fusion import Block, DeepFusion
from zoo_plugins.losses.ma_gp import MatchingAwareGradientPenalty
from zoo_registry.contracts import (
    Condition,
    ConditionSpec,
    Generated,
    GeneratorSpec,
    Growth,
    Round,
    Text,
    TextSpec,
)
from zoo_registry.errors import ZooError

GROWTH = Growth(32)


def generator(width=5, **settings):
    torch.manual_seed(0)
    settings = {"resolution": 32, "base_channels": 4, "noise_width": 6} | settings
    return DeepFusion(ConditionSpec(width), **settings).eval()


def inputs(count=2, width=5):
    generate = torch.Generator().manual_seed(1)
    code = torch.randn(count, width, generator=generate)
    return torch.randn(count, 6, generator=generate), Condition(code), Text(code)


@torch.no_grad()
@pytest.mark.parametrize("resolution", [8, 32, 128])
def test_one_image_of_any_power_of_two(resolution):
    network = generator(resolution=resolution)
    (image,), attention = network(*inputs(), Growth(resolution))
    assert image.shape == (2, 3, resolution, resolution)
    assert image.abs().max() <= 1
    assert attention == ()
    assert network.spec.resolutions == (resolution,)


@torch.no_grad()
def test_noise_and_sentence_both_count():
    network, (noise, condition, text) = generator(), inputs()
    generated = network(noise, condition, text, GROWTH).images[0]
    others = (
        network(noise.flip(0), condition, text, GROWTH),
        network(noise, Condition(condition.code.flip(0)), text, GROWTH),
    )
    for other in others:
        assert (generated - other.images[0]).abs().max() > 1e-3


@torch.no_grad()
@pytest.mark.parametrize(("narrow", "wide"), [(6, 4), (4, 4)])
@pytest.mark.parametrize("activation", ["leaky", "relu"])
def test_a_block_by_hand(narrow, wide, activation):
    """Doubled first and then fused, as the paper has it."""
    torch.manual_seed(0)
    block = Block(narrow, wide, 5, activation)
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, 0, 0.5)
    generate = torch.Generator().manual_seed(1)
    hidden, code = torch.randn(2, narrow, 4, 4, generator=generate), torch.randn(2, 5, generator=generate)

    def fuse(fusion, hidden):
        for affine in fusion.affines:
            scale, shift = affine.scale(code), affine.shift(code)
            hidden = scale[:, :, None, None] * hidden + shift[:, :, None, None]
            hidden = F.leaky_relu(hidden, 0.2) if activation == "leaky" else F.relu(hidden)
        return hidden

    doubled = hidden.repeat_interleave(2, 2).repeat_interleave(2, 3)
    residual = F.conv2d(fuse(block.fuse1, doubled), block.conv1.weight, block.bias1.flatten(), padding=1)
    residual = block.conv2(fuse(block.fuse2, residual))
    assert torch.allclose(block(hidden, code), block.shortcut(doubled) + residual, atol=1e-4)


@torch.no_grad()
def test_the_papers_rectifier_generates_otherwise():
    values = inputs()
    code, paper = (generator(activation=name)(*values, GROWTH).images[0] for name in ("leaky", "relu"))
    assert not torch.allclose(code, paper, atol=1e-3)


@torch.no_grad()
def test_without_text_noise_alone_generates():
    assert generator(width=0)(*inputs(width=0), GROWTH).images[0].shape == (2, 3, 32, 32)


@torch.no_grad()
def test_autocast_reaches_every_block():
    network, (noise, condition, text), dtypes = generator(), inputs(), []
    for block in network.blocks:
        block.register_forward_hook(lambda _, __, hidden: dtypes.append(hidden.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        network(noise, condition, text, GROWTH)
    assert set(dtypes) == {torch.bfloat16}


def test_every_weight_learns():
    network = generator().train()
    (image,), _ = network(*inputs(4), GROWTH)
    (image * torch.randn(image.shape, generator=torch.Generator().manual_seed(2))).sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("resolution", [4, 48])
def test_another_resolution_is_reported(resolution):
    with pytest.raises(ZooError, match=rf"generator\.resolution: .*power of two.*got {resolution}"):
        generator(resolution=resolution)


def one_way(*resolutions, width=6, growing=False):
    torch.manual_seed(0)
    return OneWay(TextSpec(width), GeneratorSpec(resolutions, 4, growing=growing), base_channels=2)


def images(*resolutions, seed=0):
    generate = torch.Generator().manual_seed(seed)
    return tuple(
        torch.rand(3, 3, resolution, resolution, generator=generate) * 2 - 1 for resolution in resolutions
    )


@torch.no_grad()
@pytest.mark.parametrize("resolutions", [(8,), (16, 32), (128,)])
def test_one_logit_for_the_largest_image(resolutions):
    network, sentence = one_way(*resolutions), torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
    features = network.features(images(*resolutions), GROWTH)
    (logits,) = network.score(features, sentence)
    assert logits.shape == (3,)
    smaller_changed = (
        *(torch.zeros(3, 3, resolution, resolution) for resolution in resolutions[:-1]),
        images(*resolutions)[-1],
    )
    assert torch.equal(logits, network.score(network.features(smaller_changed, GROWTH), sentence)[0])
    assert not network.unconditional
    assert (logits - network.score(features, sentence.flip(0))[0])[[0, 2]].abs().min() > 1e-4


@torch.no_grad()
def test_without_text_the_logit_is_of_the_image():
    network = one_way(16, width=0)
    assert network.unconditional
    assert network.score(network.features(images(16), GROWTH), None)[0].shape == (3,)


@torch.no_grad()
def test_at_the_start_a_block_averages():
    network = one_way(32)
    for block in network.blocks:
        hidden = torch.randn(
            1, block.residual[0].in_channels, 8, 8, generator=torch.Generator().manual_seed(0)
        )
        quarter = hidden.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))
        assert torch.allclose(block(hidden), block.shortcut(quarter), atol=1e-6)
        block.share.fill_(0.5)
        expected = block.shortcut(quarter) + 0.5 * block.residual(hidden)
        assert torch.allclose(block(hidden), expected, atol=1e-6)


def test_the_gradient_penalty_teaches_every_weight():
    network = one_way(16)
    for block in network.blocks:
        torch.nn.init.constant_(block.share, 0.5)
    sentence = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
    round = Round(
        generated=Generated(images(16, seed=1)),
        text=Text(sentence),
        real=images(16, seed=2),
        sentence=sentence,
        discriminator=network,
    )
    MatchingAwareGradientPenalty().discriminator(round)["ma-gp/16"].backward()
    learned = {name for name, p in network.named_parameters() if p.grad is not None and p.grad.any()}
    # a bias shifts logits alike everywhere, up to the rectifiers' corners
    assert {name for name, _ in network.named_parameters() if not name.endswith("bias")} <= learned


def test_a_growing_generator_is_refused():
    with pytest.raises(ZooError, match="'one-way' judges every resolution at once"):
        one_way(8, 16, growing=True)
