"""The generator `modulated`, the discriminator `contrastive`, its loss, and the encoder with its trunk."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from zoo_plugins.discriminators.contrastive import ContrastiveDiscriminator
from zoo_plugins.generators.modulated import ModulatedConv, ModulatedGenerator
from zoo_plugins.image_encoders.residual import ResidualEncoder
from zoo_plugins.losses.contrastive import Contrastive
from zoo_plugins.trunk import Stem
from zoo_registry import Recipe, catalogue
from zoo_registry.contracts import (
    Condition,
    ConditionSpec,
    Generated,
    GeneratorSpec,
    Growth,
    ImageFeatures,
    Round,
    Text,
    TextSpec,
)
from zoo_registry.errors import RecipeError, ZooError

TEXT = TextSpec(6, words=True)
SPEC = GeneratorSpec((8, 16, 32), 4, growing=True)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def generator(**settings: Any) -> ModulatedGenerator:
    torch.manual_seed(0)
    small = {"depth": 3, "width": 12, "wide_until": 8, "noise_width": 4, "attention_resolutions": (8, 16)}
    return ModulatedGenerator(TEXT, ConditionSpec(5), **small | settings)


def discriminator(spec: GeneratorSpec = SPEC) -> ContrastiveDiscriminator:
    torch.manual_seed(0)
    return ContrastiveDiscriminator(TEXT, spec, width=12, wide_until=8, joint_width=7)


def captions(seed: int = 3) -> Text:
    mask = torch.arange(5) < torch.tensor([5, 3, 1])[:, None]
    return Text(random(3, 6, seed=seed), random(3, 5, 6, seed=seed + 1) * mask[:, :, None], mask)


def run(network: ModulatedGenerator, growth: Growth, text: Text | None = None) -> Generated:
    generated: Generated = network(random(3, 4), Condition(random(3, 5, seed=2)), text or captions(), growth)
    return generated


@torch.no_grad()
def test_images_have_twice_the_resolution_of_the_maps_that_attend() -> None:
    network = generator()
    assert network.spec.resolutions == (8, 16, 32)
    for resolution, maps in ((8, []), (16, [8]), (32, [8, 16])):
        generated = run(network, Growth(resolution))
        assert [image.shape for image in generated.images] == [(3, 3, resolution, resolution)]
        assert [attention.shape for attention in generated.attention] == [(3, 5, at, at) for at in maps]


@torch.no_grad()
def test_a_new_resolution_starts_as_the_smaller_one() -> None:
    network = generator()
    small = run(network, Growth(16)).images[0]
    start = run(network, Growth(32, 0.0)).images[0]
    assert torch.allclose(start, F.interpolate(small, scale_factor=2.0, mode="bilinear"), atol=1e-5)


@torch.no_grad()
def test_words_modulate_places_where_maps_attend() -> None:
    network = generator()
    image = run(network, Growth(32)).images[0]
    text = captions()
    other = text._replace(words=text.words.flip(2) if text.words is not None else None)
    assert not torch.allclose(image, run(network, Growth(32), other).images[0], atol=1e-3)
    assert torch.equal(run(network, Growth(8), other).images[0], run(network, Growth(8)).images[0]), (
        "nothing attends yet"
    )


@pytest.mark.parametrize("doubling", [False, True])
@torch.no_grad()
def test_scaled_maps_give_what_a_kernel_an_image_gives(doubling: bool) -> None:
    """StyleGAN2, equations 1 and 3, with the kernel of each image built and used."""
    torch.manual_seed(0)
    layer = ModulatedConv(6, 4, 3, doubling=doubling)
    layer.bias.copy_(random(4, seed=2))
    hidden, style = random(3, 6, 5, 5), random(3, 3, seed=1)
    maps = F.interpolate(hidden, scale_factor=2.0) if doubling else hidden
    for row in range(3):
        kernel = layer.conv.weight * layer.style(style)[row][:, None, None]  # w' = s w
        kernel = kernel / (kernel.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()  # w'' = w' / |w'|
        restored = math.sqrt(2) * F.conv2d(maps[row : row + 1], kernel, padding=1) + layer.bias[:, None, None]
        assert torch.allclose(layer(hidden, style)[row : row + 1], F.leaky_relu(restored, 0.2), atol=1e-5)


@torch.no_grad()
def test_maps_stay_in_bf16_under_autocast() -> None:
    network, dtypes = generator(), []
    for layer in (network.first, *network.doubling.values(), *network.refining.values()):
        layer.register_forward_hook(lambda _, __, hidden: dtypes.append(hidden.dtype))
    exact = run(network, Growth(32)).images[0]
    assert dtypes == 5 * [torch.float32]
    dtypes.clear()
    with torch.autocast("cpu", torch.bfloat16):
        image = run(network, Growth(32)).images[0]
    assert dtypes == 5 * [torch.bfloat16]
    assert (image - exact).abs().max() < 0.05 * exact.abs().max()


def test_resolutions_that_do_not_attend_are_refused() -> None:
    with pytest.raises(ZooError, match=r"expected some of \[4, 8, 16\], got \[32\]"):
        generator(attention_resolutions=(8, 32))


@torch.no_grad()
def test_a_new_resolution_is_first_judged_as_the_smaller_one() -> None:
    network, image = discriminator(), random(3, 3, 32, 32)
    before = network.features((F.avg_pool2d(image, 2),), Growth(16))[1]
    assert torch.allclose(network.features((image,), Growth(32, 0.0))[1], before, atol=1e-5)


def test_resolutions_that_the_trunk_cannot_halve_are_refused() -> None:
    for spec in (GeneratorSpec((24, 48), 4, growing=True), GeneratorSpec((8,), 4, growing=True)):
        with pytest.raises(ZooError, match="expects powers of two"):
            discriminator(spec)


def test_the_encoders_trunk_fits_the_discriminators() -> None:
    encoder = ResidualEncoder(TEXT, resolution=32, width=12, wide_until=8)
    trunk = discriminator().trunk.state_dict()
    taken = {name: value.shape for name, value in encoder.trunk.state_dict().items()}
    assert taken
    assert all(trunk[name].shape == shape for name, shape in taken.items())


@pytest.mark.parametrize("resolution", [24, 48])
def test_an_encoders_resolution_is_a_power_of_two(resolution: int) -> None:
    with pytest.raises(ZooError, match=rf"image_encoder\.resolution: .*power of two.*got {resolution}"):
        ResidualEncoder(TEXT, resolution=resolution)


@torch.no_grad()
def test_an_encoder_resizes_images_to_its_resolution() -> None:
    torch.manual_seed(0)
    encoder = ResidualEncoder(TEXT, resolution=32, width=12, wide_until=8)
    image = random(1, 3, 8, 8)
    large = F.interpolate(image, 32, mode="bilinear", antialias=True)
    assert torch.allclose(encoder(image).vector, encoder(large).vector, atol=1e-5)


@torch.no_grad()
def test_an_untrained_generators_images_have_no_raster() -> None:
    """Each 2x2 block of the smallest image is one colour."""
    image = run(generator(), Growth(8)).images[0]
    assert torch.allclose(image, F.interpolate(image[:, :, ::2, ::2], scale_factor=2.0), atol=1e-5)


def test_a_stems_gradient_has_no_raster() -> None:
    """On a plain image it is the same at every pixel; a strided convolution's differs by row and column."""
    torch.manual_seed(0)
    image = torch.full((1, 3, 32, 32), 0.5, requires_grad=True)
    Stem(8)(image).sum().backward()
    assert image.grad is not None
    inside = image.grad[0, :, 8:-8, 8:-8]
    assert torch.allclose(inside, inside[:, :1, :1].expand_as(inside), atol=1e-5)


def test_the_loss_needs_a_discriminator_that_matches() -> None:
    with pytest.raises(RecipeError, match="'contrastive' needs match, which 'progressive' does not give"):
        Recipe.read(
            {"extends": "attngan-r1-aviary", "losses": [{"use": "contrastive"}]},
            catalogue(),
        )


class Lookup:
    """A discriminator whose space is given."""

    unconditional = True

    def __init__(self, image: torch.Tensor) -> None:
        self.image = image

    def features(self, images: tuple[torch.Tensor, ...], growth: Growth) -> tuple[torch.Tensor, ...]:
        return (images[0].flatten(1),)

    def score(self, features: Any, sentence: Any) -> Any:
        raise AssertionError

    def match(self, features: tuple[torch.Tensor, ...], text: Text) -> tuple[ImageFeatures, Text]:
        vector = features[0] @ self.image
        return ImageFeatures(vector, vector[:, None], (1, 1)), text


EYE = torch.eye(3)[:, None, :, None].expand(3, 1, 3, 1)  # one-hot images


def terms(space: torch.Tensor, labels: torch.Tensor | None = None, fake: torch.Tensor = EYE) -> Any:
    vectors = F.normalize(random(3, 3), dim=1)
    text = Text(vectors, vectors[:, None], torch.ones(3, 1, dtype=torch.bool))
    round = Round(
        generated=Generated((fake,)), text=text, real=(EYE,), labels=labels, discriminator=Lookup(space)
    )
    loss = Contrastive(temperature=0.1)
    return loss.generator(round), loss.discriminator(round)


def test_right_pairs_cost_less_than_wrong_ones_and_classmates_do_not_count() -> None:
    vectors = F.normalize(random(3, 3), dim=1)
    right, wrong = (terms(space)[0]["contrastive/sentence"] for space in (vectors, vectors.roll(1, 0)))
    similarity = (vectors @ vectors.T) / 0.1
    # one word and one region, which are the sentence and the image
    assert float(terms(vectors)[0]["contrastive/words"]) == pytest.approx(float(right), abs=1e-5)
    assert float(right) == pytest.approx(float(F.cross_entropy(similarity, torch.arange(3))), abs=1e-5)
    assert wrong > right
    alone = terms(vectors, torch.tensor([0, 0, 0]))[0]
    assert float(alone["contrastive/sentence"]) == pytest.approx(0.0, abs=1e-6)


def test_generated_images_compete_for_the_captions_with_real_ones() -> None:
    vectors = F.normalize(random(3, 3), dim=1)
    similarity = (vectors @ vectors.T) / 0.1
    own = torch.arange(3)
    for fake, rows in ((EYE, similarity), (EYE.roll(1, 0), similarity.roll(1, 0))):
        among_both = F.cross_entropy(torch.cat([similarity, rows]).T, own)
        expected = (F.cross_entropy(similarity, own) + among_both) / 2
        for found in terms(vectors, fake=fake)[1].values():
            assert float(found) == pytest.approx(float(expected), abs=1e-5)
