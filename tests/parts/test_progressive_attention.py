"""The growing generator that attends to words."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from zoo_plugins.generators.progressive_attention import ProgressiveAttentionGenerator
from zoo_registry import catalogue
from zoo_registry.contracts import Condition, ConditionSpec, Generated, Growth, Text, TextSpec
from zoo_registry.errors import ZooError
from zoo_registry.schema import fill, schema_of

SETTINGS: dict[str, Any] = {"depth": 4, "width": 12, "wide_until": 8, "attention_resolutions": (8, 16)}
LENGTHS = (6, 3, 1)


def random(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def generator(**settings: Any) -> ProgressiveAttentionGenerator:
    torch.manual_seed(0)
    return ProgressiveAttentionGenerator(TextSpec(9, words=True), ConditionSpec(5), **SETTINGS | settings)


def text(words: torch.Tensor) -> Text:
    mask = torch.arange(words.shape[1]) < torch.tensor(LENGTHS)[:, None]
    return Text(random(3, 9, seed=3), words * mask[:, :, None], mask)


def run(
    network: ProgressiveAttentionGenerator, growth: Growth, words: torch.Tensor | None = None
) -> Generated:
    read = text(random(3, 6, 9, seed=4) if words is None else words)
    generated: Generated = network(random(3, 7, seed=2), Condition(random(3, 5)), read, growth)
    return generated


def apart(left: torch.Tensor, right: torch.Tensor) -> float:
    return float((left - right).abs().max())


@torch.no_grad()
def test_resolutions_that_have_grown_attend_to_the_words() -> None:
    network = generator()
    for resolution, maps in ((4, []), (8, []), (16, [8]), (32, [8, 16])):
        generated = run(network, Growth(resolution))
        assert [image.shape for image in generated.images] == [(3, 3, resolution, resolution)]
        assert [attention.shape for attention in generated.attention] == [(3, 6, at, at) for at in maps]
        for attention in generated.attention:
            assert apart(attention.sum(1), torch.ones(())) < 1e-5
            assert not attention[1, 3:].any(), "padding is not attended to"


@torch.no_grad()
def test_words_change_the_image_by_what_they_are_and_not_by_their_length() -> None:
    network, words = generator(), random(3, 6, 9, seed=4)
    image = run(network, Growth(32), words).images[0]
    assert apart(run(network, Growth(32), words.roll(1, dims=0)).images[0], image) > 1e-2
    assert apart(run(network, Growth(32), 100 * words).images[0], image) < 1e-3


@torch.no_grad()
@pytest.mark.parametrize("resolution", [16, 32])
def test_a_new_resolution_starts_as_the_smaller_one_whatever_the_words(resolution: int) -> None:
    network = generator()
    small, large = run(network, Growth(resolution // 2)).images[0], run(network, Growth(resolution)).images[0]
    doubled = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert apart(run(network, Growth(resolution, 0.0)).images[0], doubled) < 1e-5
    assert apart(run(network, Growth(resolution, 0.3)).images[0], 0.7 * doubled + 0.3 * large) < 1e-5


def test_gradients_reach_the_projections_of_words() -> None:
    network = generator()
    run(network, Growth(32)).images[0].square().sum().backward()
    for resolution in ("8", "16"):
        gradient = network.attention[resolution].project.weight.grad
        assert gradient is not None
        assert gradient.any()


@pytest.mark.parametrize(
    ("depth", "resolutions"), [(2, ["4"]), (4, ["4", "8", "16"]), (6, ["16", "32", "64"])]
)
def test_where_no_resolutions_are_named_the_largest_that_are_doubled_attend(
    depth: int, resolutions: list[str]
) -> None:
    assert list(generator(depth=depth, attention_resolutions=None).attention) == resolutions


@pytest.mark.parametrize("resolutions", [(), (32,), (8, 12)])
def test_resolutions_that_are_not_doubled_are_refused(resolutions: tuple[int, ...]) -> None:
    with pytest.raises(ZooError, match=r"generator\.attention_resolutions: expected some of \[4, 8, 16\]"):
        generator(attention_resolutions=resolutions)


def test_the_largest_resolution_is_reported_before_it_is_built() -> None:
    schema = schema_of(catalogue().get("generator", "progressive-attention")).settings
    settings, _ = fill(schema, {"depth": 6}, "generator")
    assert ProgressiveAttentionGenerator.largest_resolution(settings) == 128
