"""Damaged configurations of models: a line that names the file, whatever is wrong with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.files.model import Model
from zoo_registry import ZooError, catalogue


def without(*keys: str) -> Callable[[dict[str, Any]], Any]:
    def change(config: dict[str, Any]) -> dict[str, Any]:
        target = config
        for key in keys[:-1]:
            target = target[key]
        del target[keys[-1]]
        return config

    return change


def with_value(value: Any, *keys: str) -> Callable[[dict[str, Any]], Any]:
    def change(config: dict[str, Any]) -> dict[str, Any]:
        target = config
        for key in keys[:-1]:
            target = target[key]
        target[keys[-1]] = value
        return config

    return change


ODD = (None, 5, "x", [], [1], {}, {"a": 1}, [["a", 1]])
PLACES = (
    ("recipe",),
    ("made_with",),
    ("recipe", "generator"),
    ("recipe", "train"),
    ("recipe", "losses"),
    ("format",),
)


@pytest.mark.parametrize(
    "change",
    [
        *(without(*place) for place in PLACES if place != ("made_with",) and place != ("recipe", "train")),
        *(
            with_value(value, *place)
            for place in PLACES
            for value in ODD
            if not (place == ("made_with",) and isinstance(value, dict | list) and value != [1])
            and not (place == ("recipe", "train") and value == {})
        ),
        lambda config: [config],
        lambda config: None,
        with_value("nobody's", "recipe", "task"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    config = json.loads((catalogue().pretrained("garden") / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(change(config)))
    with pytest.raises(ZooError):
        Model(tmp_path).recipe()


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"1e999", b'{"format": NaN}'])
def test_what_is_no_json_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "config.json").write_bytes(data)
    with pytest.raises(ZooError, match=r"config\.json"):
        Model(tmp_path).recipe()


def test_sizes_without_bounds_are_refused_before_memory_is_taken(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(catalogue().pretrained("garden"), tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())
    config["recipe"]["generator"]["width"] = 10**9
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ZooError, match=r"generator: its weights, .* would take"):
        zoo.load(folder)


def test_a_pointer_of_git_lfs_is_told(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(catalogue().pretrained("garden"), tmp_path / "model"))
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1234\n"
    (folder / "generator.safetensors").write_text(pointer)
    with pytest.raises(ZooError, match=r"generator\.safetensors .* pointer of Git LFS.*: git lfs pull"):
        zoo.load(folder)
