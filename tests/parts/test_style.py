"""The small image encoder and the loss that makes it a style encoder."""

import pytest
import torch
import torch.nn.functional as F

from zoo_plugins.image_encoders.conv import ConvEncoder
from zoo_plugins.losses.inversion import Inversion
from zoo_registry.contracts import Generated, ImageFeatures, Round, Text, TextSpec


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def encoder(**settings):
    torch.manual_seed(0)
    return ConvEncoder(TextSpec(width=5), **{"base_channels": 4} | settings)


@torch.no_grad()
@pytest.mark.parametrize(("resolution", "grid"), [(16, 1), (64, 4), (80, 5), (128, 8)])
def test_images_of_any_resolution(resolution, grid):
    features = encoder().eval()(draws(2, 3, resolution, resolution))
    assert features.vector.shape == (2, 5)
    assert features.grid == (grid, grid)
    assert features.regions.shape == (2, grid * grid, 5)


@torch.no_grad()
def test_regions_lie_where_the_image_does():
    """Row-major: a change in the upper right corner shows in the first rows' last regions alone."""
    module, image = encoder(downsamplings=3).eval(), torch.zeros(1, 3, 64, 64)
    corner = image.clone()
    corner[..., :4, -4:] = 1
    changed = (module(corner).regions - module(image).regions).norm(dim=2)[0].gt(1e-9).view(8, 8)
    assert changed[0, -1]
    assert not changed[4:].any()
    assert not changed[:, :4].any()


@torch.no_grad()
def test_the_vector_knows_where_things_are():
    """Pooled to 4x4, not to one average: a style is also where a thing stands."""
    torch.manual_seed(0)
    module, image = encoder(downsamplings=2), draws(4, 3, 64, 64)
    assert (module(image).vector - module(image.roll(16, dims=3)).vector).abs().max() > 1e-3


def round_of(read, noise):
    return Round(
        Generated((draws(len(noise), 3, 16, 16),)),
        Text(torch.zeros(len(noise), 1)),
        noise=noise,
        image_encoder=lambda images: ImageFeatures(read),
    )


def test_inversion_by_hand():
    noise, read = draws(3, 5), draws(3, 5, seed=1).requires_grad_()
    terms = Inversion().generator(round_of(read, noise))
    assert list(terms) == ["inversion"]
    assert torch.allclose(terms["inversion"], sum((noise - read).flatten() ** 2) / 15)
    assert Inversion().generator(round_of(noise, noise))["inversion"] == 0
    assert Inversion().discriminator(round_of(read, noise)) == {}


def test_the_encoder_learns_to_read_what_is_generated():
    """Five numbers, generated as the brightness of five stripes."""
    module = encoder(base_channels=8, downsamplings=3)
    optimiser = torch.optim.Adam(module.parameters(), lr=2e-3)
    losses = []
    for step in range(60):
        noise = draws(16, 5, seed=step)
        stripes = F.interpolate(noise[:, None, None], (32, 32)).expand(-1, 3, -1, -1)  # [B,3,32,32]
        round = Round(Generated((stripes.tanh(),)), Text(noise), noise=noise, image_encoder=module)
        loss = Inversion().generator(round)["inversion"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) / 5 < 0.3 < losses[0]
