"""What checks of several kinds need: made-up inputs, and what every network has to do.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..component import Component
from ..contracts import Condition, ConditionSpec, GeneratorSpec, Text, TextSpec
from ..schema import fill, schema_of

if TYPE_CHECKING:
    from torch import Tensor, nn


CAPTIONS = (
    "a small red bird with a yellow beak",
    "the bird is blue",
    "this bird has black wings, a white belly and a very short grey beak",
)
TEXT, CONDITION, RESOLUTIONS = TextSpec(width=16, words=True, entries=8), ConditionSpec(width=8), (32, 64)
NEAR = 1e-5  # alone and in a batch, other kernels may run


def build(component: Component, settings: Mapping[str, Any], **wires: Any) -> Any:
    """The part with these settings, checked as in a recipe, its weights from a fixed seed."""
    import torch

    schema = schema_of(component)
    filled, problems = fill(schema.settings, settings, component.name)
    assert filled is not None, "; ".join(problems)
    again, _ = fill(schema.settings, filled.model_dump(mode="json"), component.name)
    assert again == filled, "settings written as JSON and read again give other settings"
    known = {TextSpec: TEXT, ConditionSpec: CONDITION, GeneratorSpec: GeneratorSpec(RESOLUTIONS, 8)}
    known |= {type(wire): wire for wire in wires.values()}
    known |= {base: wire for wire in wires.values() for base in type(wire).__mro__[1:-1]}
    for wire in schema.wires:
        assert wire in known, f"{wire.__name__} is no wire that a {component.kind} can be handed"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return component.load()(
            *(known[wire] for wire in schema.wires),
            **{name: getattr(filled, name) for name in schema.settings.model_fields},
        )


def tensors(value: Any) -> list[Tensor]:
    """The tensors in a tree of tuples."""
    if isinstance(value, tuple | list):
        return [tensor for entry in value for tensor in tensors(entry)]
    return [] if value is None or isinstance(value, int) else [value]


def same(left: Any, right: Any, what: str, near: float = 0.0) -> None:
    """Assert that trees of tensors agree, to `near`."""
    for a, b in zip(tensors(left), tensors(right), strict=True):
        assert a.shape == b.shape, f"{what}: shapes {tuple(a.shape)} and {tuple(b.shape)}"
        gap = (a.float() - b.float()).abs().max().item() if a.numel() else 0.0
        assert gap <= near, f"{what}: differ by {gap:.2g}"


def module_conforms(module: nn.Module, twin: nn.Module, run: Callable[[Any], Any]) -> None:
    """Determinism, gradient reach, and save and load of a network; `run` gives its output.

    Leaves it in eval mode.
    """
    import torch

    module.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        outputs = [t for t in tensors(run(module)) if t.requires_grad]
        # random weights, since the plain sum of a softmax or of a normalised output has no gradient
        if outputs:
            torch.stack([(t * torch.randn_like(t)).sum() for t in outputs]).sum().backward()
    for name, parameter in module.named_parameters():
        assert not parameter.requires_grad or parameter.grad is not None, f"{name}: no gradient reaches it"
        assert parameter.grad is None or parameter.grad.isfinite().all(), (
            f"{name}: its gradient is not finite"
        )
    module.zero_grad()
    module.eval()
    twin.eval()
    with torch.no_grad():
        first = run(module)
        for tensor in tensors(first):
            assert not tensor.is_floating_point() or tensor.isfinite().all(), "the output is not finite"
        same(first, run(module), "the same input twice in eval mode")
        twin.load_state_dict(module.state_dict())
        same(first, run(twin), "saved and loaded weights")


def batch_independent(
    whole: Any, alone: Callable[[int], Any], count: int, pick: Callable[[Any, int], Any]
) -> None:
    """Assert that each row comes out alone as it does in the batch."""
    for row in range(count):
        same(pick(whole, row), alone(row), f"row {row} alone and in a batch", NEAR)


def row_of(value: Any, row: int) -> Any:
    """One row of a tuple of tensors, as a batch of one."""
    return tuple(None if t is None else t[row : row + 1] for t in value)


def given(noise_width: int, count: int) -> tuple[Tensor, Condition, Text]:
    """Noise, condition and text of captions with unequal lengths, as a generator receives them."""
    import torch

    source = torch.Generator().manual_seed(0)
    mask = torch.arange(6)[None] < torch.arange(count)[:, None] % 6 + 1
    words = torch.randn(count, 6, TEXT.width, generator=source)
    code, mean, logvar = torch.randn(3, count, CONDITION.width, generator=source)
    ids = torch.arange(6).expand(count, 6) * mask
    text = Text(torch.randn(count, TEXT.width, generator=source), words, mask, ids)
    return torch.randn(count, noise_width, generator=source), Condition(code, mean, logvar), text
