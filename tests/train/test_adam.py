"""Adam over weights as they lie in memory is Adam."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zoo.training.adam import Adam

LAYOUTS = (torch.contiguous_format, torch.channels_last)
SHAPES = ((6, 5, 4, 3), (6, 5, 1, 1), (6, 1, 3, 3), (7, 3), (7,))


def weights(layout: torch.memory_format) -> list[nn.Parameter]:
    source = torch.Generator().manual_seed(0)
    generated = [torch.randn(shape, generator=source) for shape in SHAPES]
    return [nn.Parameter(laid(values, layout)) for values in generated]


def laid(values: Tensor, layout: torch.memory_format) -> Tensor:
    return values.contiguous(memory_format=layout) if values.dim() == 4 else values


def step(optimiser: torch.optim.Optimizer, of: list[nn.Parameter], layout: torch.memory_format) -> None:
    optimiser.zero_grad()
    for weight in of:
        weight.grad = laid(weight.detach().sin(), layout)
    optimiser.step()


@pytest.mark.parametrize("gradients", LAYOUTS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_steps_are_those_of_torch_whatever_lies_how(
    layout: torch.memory_format, gradients: torch.memory_format
) -> None:
    ours, theirs = weights(layout), weights(torch.contiguous_format)
    one = Adam(ours, lr=0.1, betas=(0.5, 0.9))
    other = torch.optim.Adam(theirs, lr=0.1, betas=(0.5, 0.9), foreach=False)
    for _ in range(3):
        step(one, ours, gradients)
        step(other, theirs, torch.contiguous_format)
    for mine, torchs in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, torchs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("saved", LAYOUTS)
@pytest.mark.parametrize("loaded", LAYOUTS)
def test_a_saved_state_goes_on_in_another_layout(
    saved: torch.memory_format, loaded: torch.memory_format
) -> None:
    first, second = weights(saved), weights(loaded)
    one, other = (Adam(w, lr=0.1, betas=(0.5, 0.9)) for w in (first, second))
    step(one, first, saved)
    state = one.state_dict()
    assert [tuple(values["exp_avg"].shape) for values in state["state"].values()] == list(SHAPES)
    other.load_state_dict(state)
    with torch.no_grad():
        for weight, values in zip(second, first, strict=True):
            weight.copy_(values)
    step(one, first, saved)
    step(other, second, loaded)
    for mine, other_ones in zip(first, second, strict=True):
        assert torch.equal(mine, other_ones)


def test_what_has_no_gradient_stays_and_what_is_frozen_is_left_out() -> None:
    of = weights(torch.channels_last)
    of[1].requires_grad_(False)
    before = [weight.detach().clone() for weight in of]
    optimiser = Adam(of, lr=0.1, betas=(0.5, 0.9))
    of[0].grad = torch.ones_like(of[0])
    optimiser.step()
    assert not torch.equal(of[0], before[0])
    assert all(torch.equal(weight, values) for weight, values in zip(of[1:], before[1:], strict=True))
    optimiser.zero_grad()
    moved = of[0].detach().clone()
    optimiser.step()
    assert torch.equal(of[0], moved)
