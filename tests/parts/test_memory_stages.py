"""The generator with a dynamic memory."""

import pytest
import torch

from zoo_plugins.generators.memory_stages import Memory, MemoryStages, read
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
    return MemoryStages(TEXT, CONDITION, **settings).eval()


def inputs(lengths, length=7):
    generate = torch.Generator().manual_seed(1)
    count = len(lengths)
    mask = torch.arange(length) < torch.tensor(lengths)[:, None]
    # padding is not zero here: whoever looks at it is seen
    words = 3 * torch.randn(count, length, 12, generator=generate)
    text = Text(torch.randn(count, 12, generator=generate), words, mask)
    return (
        torch.randn(count, 6, generator=generate),
        Condition(torch.randn(count, 5, generator=generate)),
        text,
    )


@torch.no_grad()
def test_images_and_attention():
    images, attention = generator()(*inputs([7, 2]), Growth(32))
    assert [tuple(image.shape) for image in images] == [(2, 3, 8, 8), (2, 3, 16, 16), (2, 3, 32, 32)]
    assert [tuple(maps.shape) for maps in attention] == [(2, 7, 8, 8), (2, 7, 16, 16)]
    for maps in attention:
        assert torch.allclose(maps.sum(1), torch.ones(()))
        assert not maps[1, 2:].any()  # the second caption's padding


@torch.no_grad()
def test_the_memory_by_hand():
    """The paper's equations, a word, a place and a caption at a time."""
    torch.manual_seed(0)
    memory = Memory(12, 4)
    hidden = torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(2))
    _, _, text = inputs([7, 3])
    keys, values = memory(hidden, text)
    answer, attention = read(hidden, keys, values, text.mask, "right")
    for b, length in enumerate((7, 3)):
        mean = torch.stack([hidden[b, :, y, x] for y in range(3) for x in range(5)]).mean(0)
        slots = []
        for word in text.words[b, :length]:
            gate = torch.sigmoid(memory.word_gate.weight @ word + memory.picture_gate.weight @ mean)
            of_word, of_picture = memory.from_word(word).relu(), memory.from_picture(mean).relu()
            slots.append(of_word * gate + of_picture * (1 - gate))
        slot_keys = [memory.key(slot).relu() for slot in slots]
        slot_values = [memory.value(slot).relu() for slot in slots]
        for y in range(3):
            for x in range(5):
                scores = torch.stack([key @ hidden[b, :, y, x] for key in slot_keys])
                shares = scores.exp() / scores.exp().sum()
                told = sum(share * value for share, value in zip(shares, slot_values, strict=True))
                assert torch.allclose(attention[b, :length, y, x], shares, atol=1e-5)
                assert torch.allclose(answer[b, :, y, x], told, atol=1e-5)


@torch.no_grad()
def test_the_response_gate_lets_the_answer_in():
    network, (noise, condition, text) = generator(resolutions=(8, 16)), inputs([4])
    stage = network.later[0]
    hidden = network.first(torch.cat([condition.code, noise], dim=1))
    answer, _ = read(hidden, *stage.memory(hidden, text), text.mask, "right")
    stage.response_gate.weight.zero_()
    for bias, through in ((-100.0, hidden), (100.0, answer), (0.0, (hidden + answer) / 2)):
        stage.response_gate.bias.fill_(bias)
        seen = []
        handle = stage.residual.register_forward_pre_hook(lambda _, given, seen=seen: seen.append(given[0]))
        stage(hidden, text)
        handle.remove()
        assert torch.allclose(seen[0], torch.cat([through, through], dim=1), atol=1e-6)


@torch.no_grad()
def test_padding_changes_nothing():
    network, (noise, condition, text) = generator(), inputs([3, 2])
    short = Text(text.sentence, text.words[:, :3], text.mask[:, :3])
    padded = network(noise, condition, text, Growth(32)).images[-1]
    assert (padded - network(noise, condition, short, Growth(32)).images[-1]).abs().max() < 1e-6


@torch.no_grad()
def test_the_mask_layouts_agree_for_one_caption_and_for_equal_lengths_only():
    right, theirs = generator(), generator(mask_layout="attngan")
    for lengths in ([3], [4, 4, 4]):
        values = inputs(lengths)
        assert torch.equal(right(*values, Growth(32)).images[-1], theirs(*values, Growth(32)).images[-1])
    maps = theirs(*inputs([7, 2]), Growth(32)).attention[0]
    assert maps[1, 2:].any()  # padding is attended to, by the mask of the first caption


def test_every_weight_learns():
    network = generator().train()
    images, _ = network(*inputs([7, 2, 3]), Growth(32))
    generate = torch.Generator().manual_seed(2)
    sum((image * torch.randn(image.shape, generator=generate)).sum() for image in images).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("resolutions", [(), (4, 8), (64, 256)])
def test_resolutions_that_do_not_double_are_reported(resolutions):
    with pytest.raises(ZooError, match=r"generator\.resolutions"):
        generator(resolutions=resolutions)
