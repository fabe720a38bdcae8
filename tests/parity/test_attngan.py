"""Our parts, holding AttnGAN's weights, compute what AttnGAN's own code computes.

B batch, L words, D text width, R image resolution, N regions, as in zoo_registry.contracts.
"""

import pytest
import torch
import torch.nn.functional as F

from zoo.legacy import convert
from zoo_plugins.losses.bce import BinaryCrossEntropy
from zoo_plugins.losses.damsm import DAMSM
from zoo_plugins.losses.kl import KL
from zoo_plugins.similarity import attention_maps
from zoo_registry.contracts import Condition, Generated, Growth, ImageFeatures, Round, Text, Tokens
from zoo_registry.errors import ZooError

IMAGES, EMBEDDINGS = 1e-4, 1e-5


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def thinned(images):
    return images[..., ::3, ::3]


def test_text_encoder(parity, near):
    state, dims, x, _ = parity("attngan_text_encoder")
    encoder = convert("attngan", "text_encoder", state, **dims).eval()
    mask = torch.arange(x["captions"].shape[1]) < x["lengths"][:, None]
    text = encoder(Tokens(x["captions"], mask))
    near(text.sentence, x["sentence"], EMBEDDINGS)
    near(text.words.transpose(1, 2), x["words"], EMBEDDINGS)
    assert encoder.spec.width == 256
    assert len(encoder.vocabulary) == 5450


def test_image_encoder(parity, near):
    state, dims, x, _ = parity("attngan_image_encoder")
    encoder = convert("attngan", "image_encoder", state, **dims).eval()
    images = F.interpolate(x["image64"], size=(256, 256), mode="bilinear", align_corners=False)
    vector, regions, grid = encoder(images)
    near(vector, x["code"], IMAGES)
    assert grid == (17, 17)
    near(regions.transpose(1, 2).unflatten(2, grid)[:, ::4], x["regions"], IMAGES)  # [B,N,D] -> [B,D,h,w]


def test_generator_and_its_conditioning(parity, near):
    state, dims, x, _ = parity("attngan_generator")
    generator = convert("attngan", "generator", state, **dims).eval()
    condition = generator.conditioning(x["sentence"], noise=x["eps"])
    near(condition.mean, x["mu"], EMBEDDINGS)
    near(condition.logvar, x["logvar"], EMBEDDINGS)
    text = Text(x["sentence"], x["words"].transpose(1, 2), ~x["mask"])
    images, attention = generator(x["z"], condition, text, Growth(256))
    assert [image.shape[-1] for image in images] == [64, 128, 256]
    near(thinned(images[0]), x["image0"], IMAGES)
    near(thinned(images[1]), x["image1"], IMAGES)
    near(thinned(images[2][:1]), x["image2"], IMAGES)
    near(thinned(attention[0][:1]), x["attention0"], IMAGES)
    near(thinned(attention[1][:1]), x["attention1"], IMAGES)


def test_discriminator(parity, near):
    state, dims, x, _ = parity("attngan_discriminator64")
    discriminator = convert("attngan", "discriminator", state, **dims).eval()
    features = discriminator.features((x["image"],), Growth(64))
    near(features[0], x["features"], IMAGES)
    # the original ends in a sigmoid, ours in logits
    (conditional,) = discriminator.score(features, x["sentence"])
    (unconditional,) = discriminator.score(features, None)
    near(conditional.sigmoid(), x["conditional"], EMBEDDINGS)
    near(unconditional.sigmoid(), x["unconditional"], EMBEDDINGS)


def test_adversarial_loss(parity, near):
    state, dims, x, _ = parity("attngan_adversarial")
    round = Round(
        generated=Generated((x["fake"],)),
        text=Text(x["sentence"]),
        sentence=x["sentence"],
        real=(x["real"],),
        mismatch=(
            torch.arange(3),
            torch.arange(1, 4),
        ),  # the original's: each image with its neighbour's sentence
        discriminator=convert("attngan", "discriminator", state, **dims).eval(),
    )
    loss = BinaryCrossEntropy()
    near(loss.discriminator(round)["adversarial/64"], x["d_loss"][0], EMBEDDINGS)
    near(loss.generator(round)["adversarial/64"], x["g_loss"][0], EMBEDDINGS)


def damsm_inputs(x):
    mask = torch.arange(x["words"].shape[2]) < x["lengths"][:, None]
    text = Text(x["sentence"], x["words"].transpose(1, 2), mask)
    return text, ImageFeatures(x["code"], x["regions"].flatten(2).transpose(1, 2), (17, 17))  # -> [B,N,D]


@pytest.mark.parametrize("classes", [True, False])
def test_matching_loss(parity, near, classes):
    _, dims, x, _ = parity("attngan_losses")
    text, features = damsm_inputs(x)
    labels = x["class_ids"] if classes else None
    # what the image encoder would see does not matter: its answer is given
    round = Round(Generated((x["code"],)), text, labels=labels, image_encoder=lambda images: features)
    terms = DAMSM(gammas=(dims["gamma1"], dims["gamma2"], dims["gamma3"])).generator(round)
    for ours, original in {"words": "words", "sentence": "sent"}.items():
        for way in "01":
            near(
                terms[f"damsm/{ours}{way}"],
                x[f"{original}{way}{'' if classes else '_nomask'}"][0],
                EMBEDDINGS,
            )


def test_matching_attention(parity, near):
    _, dims, x, _ = parity("attngan_losses")
    maps = attention_maps(*damsm_inputs(x), dims["gamma1"])
    near(maps[:1], x["attention0"], IMAGES)
    near(maps[3:, :2], x["attention3"], IMAGES)
    assert not maps[3:, 2:].any()  # padding attends to nothing


def test_kl(parity, near):
    _, _, x, _ = parity("attngan_losses")
    condition = Condition(x["mu"], x["mu"], x["logvar"])
    near(
        KL().generator(Round(Generated(()), Text(x["sentence"]), condition=condition))["kl"],
        x["kl"][0],
        EMBEDDINGS,
    )


def test_a_name_that_attngan_does_not_have_is_reported(parity):
    state, dims, _, _ = parity("attngan_text_encoder")
    with pytest.raises(ZooError, match=r"text encoder has no place for these weights: rnn\.memory"):
        convert("attngan", "text_encoder", {**state, "rnn.memory": torch.zeros(1)}, **dims)


def test_the_file_of_another_part_is_reported(parity):
    state, dims, _, _ = parity("attngan_text_encoder")
    with pytest.raises(ZooError, match=r"not the weights of an AttnGAN generator.*'ca_net\.fc\.weight'"):
        convert("attngan", "generator", state, **dims)
