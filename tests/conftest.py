"""What all tests share: a small recipe, a small procedural data set, and a cache of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tiny import TINY_CHANGES

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # the tests state what a CPU does, wherever they run
# No test cuts the power, and a fifth of the training tests' time was spent waiting; train/test_atomic.py
# records what is synced.
os.fsync = lambda file: None


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["ZOO_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that went through both stages, not interrupted."""
    import zoo

    return zoo.train(
        "attngan-aviary",
        "aviary:40",
        tmp_path_factory.mktemp("runs") / "whole",
        changes=TINY_CHANGES,
        device="cpu",
        quiet=True,
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests run where they are asked for by name: `python -m pytest -m load`, `-m long`."""
    for marker in ("load", "long"):
        if marker not in config.option.markexpr:
            config.hook.pytest_deselected(items=[item for item in items if marker in item.keywords])
            items[:] = [item for item in items if marker not in item.keywords]
