"""The loss `redescription` and the network that finds words in images."""

from __future__ import annotations

import pytest
import torch
from learners import learner

from zoo_plugins.discriminators.contrastive import ContrastiveDiscriminator
from zoo_plugins.image_encoders.residual import ResidualEncoder
from zoo_plugins.losses.redescription import Redescribed
from zoo_plugins.redescriber import Redescriber
from zoo_registry import Recipe, catalogue
from zoo_registry.contracts import Batch, Generated, GeneratorSpec, ImageFeatures, Round, Text, TextSpec
from zoo_registry.errors import RecipeError, ZooError

SMALL = ["train.batch_size=4", "train.resolution=16", "image_encoder.resolution=16", "image_encoder.width=8"]
SPEC = TextSpec(6, words=True, entries=5)


def captions(ids: list[list[int]], lengths: list[int]) -> Text:
    rows = torch.tensor(ids)
    mask = torch.arange(rows.shape[1]) < torch.tensor(lengths)[:, None]
    source = torch.Generator().manual_seed(0)
    words = torch.randn(*rows.shape, 6, generator=source)
    return Text(torch.randn(len(rows), 6, generator=source), words, mask, rows)


def images(count: int) -> ImageFeatures:
    source = torch.Generator().manual_seed(1)
    return ImageFeatures(
        torch.randn(count, 8, generator=source), torch.randn(count, 4, 8, generator=source), (2, 2)
    )


@torch.no_grad()
def test_a_word_is_found_from_all_others_and_never_from_itself() -> None:
    torch.manual_seed(0)
    network, image = Redescriber(SPEC, 8, "image_encoder"), images(1)
    before = network(image, captions([[1, 2, 3, 4]], [4]))
    for place in range(4):
        changed = [1, 2, 3, 4]
        changed[place] = 0
        after = network(image, captions([changed], [4]))
        same = [torch.allclose(before[0, at], after[0, at], atol=1e-6) for at in range(4)]
        assert same == [at == place for at in range(4)]


@torch.no_grad()
def test_the_image_its_regions_and_no_padding_count() -> None:
    torch.manual_seed(0)
    network, image = Redescriber(SPEC, 8, "image_encoder"), images(2)
    text = captions([[1, 2, 3, 4], [3, 2, 0, 0]], [4, 2])
    logits = network(image, text)
    assert logits.shape == (2, 4, 5)
    alone = network(
        ImageFeatures(image.vector[1:], image.regions[1:] if image.regions is not None else None, (2, 2)),
        captions([[3, 2]], [2]),
    )
    assert torch.allclose(logits[1, :2], alone[0], atol=1e-5)
    assert image.regions is not None
    for other in (image._replace(vector=image.vector.flip(0)), image._replace(regions=image.regions.flip(0))):
        assert not torch.allclose(network(other, text)[0], logits[0], atol=1e-4)


def test_an_encoder_learns_which_word_an_image_shows() -> None:
    torch.manual_seed(0)
    encoder = ResidualEncoder(SPEC, resolution=16, width=8, wide_until=8, redescribes=True)
    colours = torch.tensor([[1.0, -1, -1], [-1, 1, -1]])[:, :, None, None].expand(2, 3, 16, 16)
    optimiser = torch.optim.Adam(encoder.parameters(), 5e-3)
    text = captions([[1, 2, 4], [1, 3, 4]], [3, 3])  # "a red bird", "a green bird"
    terms = []
    for _ in range(40):
        term = Redescribed().generator(Round(Generated((colours,)), text, image_encoder=encoder))
        terms.append(term["redescription"])
        optimiser.zero_grad()
        terms[-1].backward()
        optimiser.step()
    assert terms[0] > 1.2  # log 5 = 1.6 a word
    assert terms[-1] < 0.1  # without the image no better than log 2 / 3 = 0.23


def test_the_words_of_further_captions_count_as_much() -> None:
    torch.manual_seed(0)
    encoder = ResidualEncoder(SPEC, resolution=16, width=8, wide_until=8, redescribes=True)
    texts = [captions([[1, 2, 4], [1, 3, 0]], [3, 2]), captions([[2, 0], [4, 3]], [1, 2])]
    pixels = (torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)),)

    def term(text: Text, *further: Text) -> torch.Tensor:
        round = Round(Generated(pixels), text, further_text=further, image_encoder=encoder)
        return Redescribed().generator(round)["redescription"]

    expected = (5 * term(texts[0]) + 3 * term(texts[1])) / 8
    assert term(*texts).item() == pytest.approx(expected.item())


def test_a_step_reads_so_many_captions_of_each_image() -> None:
    task, _ = learner("zoo-best-match", *SMALL, "train.captions_per_image=3")
    pixels = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
    every = (("a red bird", "a bird", "a small bird"), ("a blue bird with a long tail", "a bird that sits"))
    read: list[list[str]] = []
    encode = task.task.setup.read
    task.task.setup.read = lambda captions: read.append(list(captions)) or encode(captions)
    task.task.loss("encoder", Batch(pixels, ("a bird", every[1][0]), None, torch.arange(2), every), 0, 0)
    assert read == [["a bird", every[1][0]], ["a small bird", every[1][1]], ["a red bird", every[1][0]]]


def test_a_recipe_without_a_network_that_redescribes_is_refused() -> None:
    table = {
        "extends": "damsm-aviary",
        "image_encoder": {"use": "residual", "resolution": 16},
        "losses": [{"use": "damsm"}, {"use": "redescription"}],
    }
    with pytest.raises(RecipeError, match="redescription"):
        Recipe.read(table, catalogue())
    Recipe.read({**table, "image_encoder": {**table["image_encoder"], "redescribes": True}}, catalogue())


def test_a_recipe_whose_text_encoder_has_no_vocabulary_is_refused_with_those_that_have() -> None:
    table = {
        "extends": "damsm-aviary",
        "text_encoder": {"use": "char-cnn-rnn", "width": 16, "steps_as_words": True},
        "image_encoder": {"use": "residual", "resolution": 16, "redescribes": True},
        "losses": [{"use": "damsm"}, {"use": "redescription"}],
    }
    with pytest.raises(RecipeError) as refused:
        Recipe.read(table, catalogue())
    assert (
        "losses[1]: 'redescription' needs vocabulary, which 'char-cnn-rnn' does not give; "
        "text encoders that do: bilstm, lstm"
    ) in str(refused.value)


def test_a_recipe_that_reads_text_between_captions_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"train\.interpolate: text between captions has no words"):
        Recipe.read({"extends": "zoo-best", "train": {"interpolate": 0.5}}, catalogue())


def test_characters_are_no_vocabulary() -> None:
    with pytest.raises(
        ZooError, match=r"image_encoder\.redescribes: expected a text encoder with a vocabulary of words"
    ):
        Redescriber(TextSpec(6, words=True), 8, "image_encoder")


def test_an_image_encoder_that_redescribes_serves_beside_a_discriminator_that_does_not() -> None:
    torch.manual_seed(0)
    encoder = ResidualEncoder(SPEC, resolution=16, width=8, wide_until=8, redescribes=True)
    spec = GeneratorSpec((8, 16), 4, growing=True)
    discriminator = ContrastiveDiscriminator(SPEC, spec, width=8, wide_until=8)
    images = (torch.zeros(2, 3, 16, 16),)
    text = captions([[1, 2, 4], [1, 3, 4]], [3, 3])
    round = Round(Generated(images), text, real=images, discriminator=discriminator, image_encoder=encoder)
    assert Redescribed().generator(round)["redescription"].isfinite()
    assert Redescribed().discriminator(round) == {}


def test_a_frozen_network_keeps_its_weights_and_the_trunk_learns_to_be_read_by_it() -> None:
    torch.manual_seed(0)
    spec = GeneratorSpec((8, 16), 4, growing=True)
    discriminator = ContrastiveDiscriminator(SPEC, spec, width=8, wide_until=8, redescribes="frozen")
    images = (torch.rand(2, 3, 16, 16),)
    text = captions([[1, 2, 4], [1, 3, 4]], [3, 3])
    round = Round(Generated(images), text, real=images, discriminator=discriminator)
    Redescribed().discriminator(round)["redescription"].backward()
    assert all(weight.grad is None for weight in discriminator.redescriber.parameters())
    assert discriminator.regions.weight.grad is not None
    assert discriminator.regions.weight.grad.abs().sum() > 0
