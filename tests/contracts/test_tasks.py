"""What `check_component` says of tasks: some repeat and wait, some break a promise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from zoo_plugins.tasks.gan import Adversarial
from zoo_plugins.tasks.match import Matching
from zoo_registry import Component, catalogue
from zoo_registry.contracts import Plan
from zoo_registry.testing import check_component


@pytest.mark.parametrize("own", [True, False])
def test_several_updates_and_lazy_losses_keep_the_contract(own: bool) -> None:
    lazy = {"losses": ["made-up"], "every": 2, "own_optimiser": own}
    check_component(catalogue().get("task", "gan"), critic_steps=3, lazy=lazy, interpolate=0.5)


class Unannounced(Adversarial):
    """Takes more batches than it says."""

    @classmethod
    def plan(cls, settings: Any, /) -> Plan:
        return replace(super().plan(settings), batches=1)


class Forgetful(Adversarial):
    """Does not save its discriminator."""

    @property
    def state(self) -> Any:
        return {name: part for name, part in super().state.items() if name != "discriminator"}


class Random(Matching):
    """Loses something by chance."""

    def loss(self, *given: Any) -> Any:
        loss, terms = super().loss(*given)
        noise = torch.rand((), generator=self.source)
        return loss * (1 + noise), {name: term + noise for name, term in terms.items()}

    source = torch.Generator().manual_seed(0)


class Attached(Matching):
    """Logs terms that hold the graph."""

    def loss(self, *given: Any) -> Any:
        loss, terms = super().loss(*given)
        return loss, dict.fromkeys(terms, loss)


class Undecided(Matching):
    """Is the best by a metric that it does not measure."""

    @classmethod
    def plan(cls, settings: Any, /) -> Plan:
        return replace(super().plan(settings), best=("retrieval/r9",))


@pytest.mark.parametrize(
    ("broken", "settings", "told"),
    [
        (Unannounced, {"critic_steps": 2}, "`plan` says 1 batches a step, but a phase repeats 2 times"),
        (Forgetful, {"mismatch": "roll"}, "after its state is taken up"),
        (Random, {}, "the same step twice"),
        (Attached, {}, "the terms of encoder are detached"),
        (Undecided, {}, "`validate` gives the metrics that decide"),
    ],
)
def test_a_task_that_breaks_a_promise_is_told_so(
    broken: type, settings: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # schemas are kept by component: each has a name of its own
    part = Component(kind="task", name=broken.__name__, target="", summary="One that breaks a promise")
    monkeypatch.setattr(Component, "load", lambda self: broken)
    with pytest.raises(AssertionError, match=told):
        check_component(part, **settings)
