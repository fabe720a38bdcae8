"""The attentional generator and its conditioning."""

import pytest
import torch

from zoo_plugins.conditioning.augmentation import ConditioningAugmentation
from zoo_plugins.generators.attention_stages import AttentionStages
from zoo_registry.contracts import Condition, ConditionSpec, Growth, Text, TextSpec
from zoo_registry.errors import ZooError

TEXT, CONDITION = TextSpec(12, words=True), ConditionSpec(5)


def generator(**settings):
    torch.manual_seed(0)
    settings = {
        "resolutions": (8, 16, 32),
        "base_channels": 4,
        "residual_blocks": 1,
        "noise_width": 6,
    } | settings
    return AttentionStages(TEXT, CONDITION, **settings).eval()


def inputs(lengths, length=7):
    generate = torch.Generator().manual_seed(1)
    count = len(lengths)
    mask = torch.arange(length) < torch.tensor(lengths)[:, None]
    # padding is not zero here: whoever looks at it is seen
    text = Text(
        torch.randn(count, 12, generator=generate),
        3 * torch.randn(count, length, 12, generator=generate),
        mask,
    )
    return (
        torch.randn(count, 6, generator=generate),
        Condition(torch.randn(count, 5, generator=generate)),
        text,
    )


def row(values, i):
    noise, condition, text = values
    return (
        noise[i : i + 1],
        Condition(condition.code[i : i + 1]),
        Text(*(v if v is None else v[i : i + 1] for v in text)),
    )


@torch.no_grad()
def test_images_and_attention():
    images, attention = generator()(*inputs([7, 2]), Growth(32))
    assert [tuple(image.shape) for image in images] == [(2, 3, 8, 8), (2, 3, 16, 16), (2, 3, 32, 32)]
    assert [tuple(maps.shape) for maps in attention] == [(2, 7, 8, 8), (2, 7, 16, 16)]
    assert all(image.abs().max() <= 1 for image in images)
    for maps in attention:
        assert torch.allclose(maps.sum(1), torch.ones(()))
        assert not maps[1, 2:].any()  # the second caption's padding


@torch.no_grad()
def test_a_caption_generates_the_same_alone_and_among_sixteen():
    network, values = generator(), inputs([7, 1, 3, 5, 2, 6, 4, 7, 1, 1, 2, 3, 4, 5, 6, 7])
    together = network(*values, Growth(32))
    for i in (0, 1, 9, 15):
        alone = network(*row(values, i), Growth(32))
        for many, one in zip(
            together.images + together.attention, alone.images + alone.attention, strict=True
        ):
            assert (many[i] - one[0]).abs().max() < 1e-5


@torch.no_grad()
def test_padding_changes_nothing():
    network = generator().double()  # rounding is far below the bound
    noise, condition, text = inputs([3, 2])
    noise, condition = noise.double(), Condition(condition.code.double())
    text = Text(text.sentence.double(), text.words.double(), text.mask)
    short = Text(text.sentence, text.words[:, :3], text.mask[:, :3])
    padded = network(noise, condition, text, Growth(32)).images[-1]
    assert (padded - network(noise, condition, short, Growth(32)).images[-1]).abs().max() < 1e-12


@torch.no_grad()
def test_the_mask_layouts_agree_for_one_caption_and_for_equal_lengths():
    right, theirs = generator(), generator(mask_layout="attngan")
    for lengths in ([3], [4, 4, 4]):
        values = inputs(lengths)
        assert torch.equal(right(*values, Growth(32)).images[-1], theirs(*values, Growth(32)).images[-1])


@torch.no_grad()
def test_attngans_mask_layout_lets_captions_into_each_other():
    """Query q of caption b gets mask (b * Q + q) mod B: of two captions, every other query is wrong."""
    values = inputs([7, 2])
    right = generator()(*values, Growth(32)).attention[0]
    theirs = generator(mask_layout="attngan")(*values, Growth(32)).attention[0]
    of_padding = theirs[1, 2:].sum(0).flatten()  # what the second caption's queries see of its padding
    assert not of_padding[1::2].any()
    assert of_padding[::2].gt(0).all()
    assert torch.equal(right[0].flatten(1)[:, ::2], theirs[0].flatten(1)[:, ::2])
    assert not torch.equal(right[0].flatten(1)[:, 1::2], theirs[0].flatten(1)[:, 1::2])


def test_every_weight_learns():
    network = generator().train()
    images, _ = network(*inputs([7, 2, 3]), Growth(32))
    generate = torch.Generator().manual_seed(2)
    sum((image * torch.randn(image.shape, generator=generate)).sum() for image in images).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@torch.no_grad()
def test_the_first_resolution_alone_needs_no_words():
    network = generator(resolutions=(64,))
    noise, condition, text = inputs([1])
    generated = network(noise, condition, Text(text.sentence), Growth(64))
    assert [image.shape[-1] for image in generated.images] == [64]
    assert generated.attention == ()


@pytest.mark.parametrize("resolutions", [(), (4, 8), (24, 48), (64, 256), (64, 64), (64, 128, 192)])
def test_resolutions_that_do_not_double_are_reported(resolutions):
    with pytest.raises(ZooError, match=r"generator\.resolutions"):
        generator(resolutions=resolutions)


@torch.no_grad()
def test_the_code_is_generated_around_the_mean():
    torch.manual_seed(0)
    part = ConditioningAugmentation(TEXT, width=5)
    sentence = torch.randn(3, 12, generator=torch.Generator().manual_seed(1))
    code, mean, logvar = part(sentence)
    assert torch.equal(code, mean)
    noise = torch.randn(3, 5, generator=torch.Generator().manual_seed(2))
    assert torch.allclose((part(sentence, noise=noise).code - mean) / noise, (logvar / 2).exp(), rtol=1e-4)


def test_weights_start_orthogonal():
    weight = generator().first.up[0][0].weight.flatten(1)
    assert torch.allclose(weight @ weight.T, torch.eye(len(weight)), atol=1e-5)


def test_gradients_keep_the_activations_memory_format():
    """A layer that mixes two memory formats is several times slower on a CPU."""
    network = generator().to(memory_format=torch.channels_last)
    found = []

    def watch(name, output):
        def note(gradient):
            formats = (torch.contiguous_format, torch.channels_last)
            found.append(
                (name, *([v.is_contiguous(memory_format=f) for f in formats] for v in (output, gradient)))
            )

        output.register_hook(note)

    for name, module in network.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(lambda _, __, output, name=name: watch(name, output))
    network(*inputs([7, 2]), Growth(32)).images[-1].square().sum().backward()
    assert len(found) == sum(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
    assert [name for name, output, gradient in found if output != gradient] == []
