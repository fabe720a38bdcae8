"""Checkpoints: what is saved comes back, the newest whole one counts, old ones go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from zoo.files.checkpoints import Checkpoints, damage
from zoo_registry import ZooError


def saved(folder: Path, *steps: int) -> Checkpoints:
    checkpoints = Checkpoints(folder)
    for step in steps:
        checkpoints.save(step, {"weight": torch.full((2,), float(step))})
    return checkpoints


def test_a_tree_comes_back_as_it_was(tmp_path: Path) -> None:
    values = torch.arange(6.0).reshape(2, 3)
    state: dict[str, Any] = {
        "optimiser": {0: {"step": torch.tensor(3.0), "betas": [0.5, 0.999]}, 1: {"sums": values.T}},
        "best": None,
        "seen": [1, "two", [values.bool(), values.to(torch.bfloat16)]],
    }
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(7, state)
    found = checkpoints.newest()
    assert found is not None
    step, back = found
    assert step == 7
    assert back.keys() == state.keys()
    assert back["best"] is None
    assert back["optimiser"].keys() == {0, 1}, "keys stay integers"
    assert back["optimiser"][0]["betas"] == [0.5, 0.999]
    assert back["optimiser"][0]["step"] == 3
    assert torch.equal(back["optimiser"][1]["sums"], values.T)
    assert back["seen"][:2] == [1, "two"]
    assert torch.equal(back["seen"][2][0], values.bool())
    assert back["seen"][2][1].dtype == torch.bfloat16


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2, 10)
    assert list(checkpoints.steps()) == [2, 10]
    assert Checkpoints(tmp_path / "none").newest() is None
    saved(tmp_path, 5)  # those of later steps were damaged when training went on before them
    assert list(checkpoints.steps()) == [2, 5]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("state.json", None, "state.json is not there"),
        ("state.json", b"{}", "state.json: expected .* bytes, got 2"),
        ("state.safetensors", "flip", "state.safetensors has other content than was written"),
        ("manifest.json", None, "manifest.json"),
        ("manifest.json", b"{}", "expected state.safetensors and state.json, got nothing"),
        ("manifest.json", b"no json", "manifest.json"),
    ],
)
def test_a_damaged_one_is_passed_over_and_told(tmp_path: Path, name: str, content: Any, told: str) -> None:
    checkpoints = saved(tmp_path, 1, 2)
    file = tmp_path / "step_00000002" / name
    if content is None:
        file.unlink()
    else:
        old = file.read_bytes()
        file.write_bytes(old[:-1] + bytes([old[-1] ^ 1]) if content == "flip" else content)
    with pytest.warns(UserWarning, match=f"(?s)step_00000002 is damaged: .*{told}.*going on after step 1"):
        found = checkpoints.newest()
    assert found is not None
    assert found[0] == 1
    assert damage(tmp_path / "step_00000001") is None
    (tmp_path / "step_00000001/state.json").unlink()
    with pytest.raises(ZooError, match="no checkpoint is whole"):
        checkpoints.newest()


def test_what_is_not_finite_is_not_saved(tmp_path: Path) -> None:
    bad = torch.tensor([1.0, float("nan")])
    with pytest.raises(ZooError, match=r"a\.b not finite"):
        Checkpoints(tmp_path).save(4, {"a": {"b": bad}, "c": torch.ones(1)})
    checkpoints = saved(tmp_path, 3)
    with pytest.raises(ZooError, match=r"0, 1, 2 and 1 more not finite"):
        checkpoints.save(4, {str(number): bad for number in range(4)})
    assert list(checkpoints.steps()) == [3]


def test_the_manifest_tells_what_was_written(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    folder = tmp_path / "step_00000001"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {name: entry["size"] for name, entry in manifest.items()} == {
        name: (folder / name).stat().st_size for name in ("state.safetensors", "state.json")
    }
