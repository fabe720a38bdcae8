"""Calls the hooks of plugins while training."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from zoo_registry import catalogue
from zoo_registry.contracts import Round


def observe(round: Round, terms: Mapping[str, Tensor], step: int) -> None:
    """Let every plugin that wants it see one training step; one that fails is told and sees no more."""
    for plugin in catalogue().plugins:
        catalogue().call(plugin, "zoo_step", round=round, terms=terms, step=step)
