"""A CUB folder with every fault at once: checked, and refused, from the command line."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

CAPTION = b"a small red bird\n"


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 80).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Class 001 is sound; class 002 holds one fault an image; no class is for testing."""
    root = tmp_path / "birds"
    images = {
        "001.sound/a": (jpeg(), CAPTION),
        "001.sound/b": (jpeg(), CAPTION),
        "002.faulty/truncated": (jpeg()[:-400], CAPTION),
        "002.faulty/zero_bytes": (b"", CAPTION),
        "002.faulty/no_captions": (jpeg(), None),
        "002.faulty/empty_captions": (jpeg(), b"\n \n"),
        "002.faulty/not_utf8": (jpeg(), b"a caf\xe9-coloured bird\n"),
        "002.faulty/no_picture": (None, CAPTION),
    }
    for name, (image, captions) in images.items():
        for kind, content, ending in (("images", image, "jpg"), ("text", captions, "txt")):
            path = root / kind / f"{name}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is not None:
                path.write_bytes(content)
    listed = [name for name, (image, _) in images.items() if image is not None]
    (root / "images.txt").write_text("".join(f"{i} {name}.jpg\n" for i, name in enumerate(listed, 1)))
    (root / "bounding_boxes.txt").write_text("".join(f"{i} 4 4 56 56\n" for i, _ in enumerate(listed, 1)))
    (root / "classes.txt").write_text("1 001.sound\n2 002.faulty\n")
    (root / "trainvalclasses.txt").write_text("001.sound\n002.faulty\n")
    (root / "testclasses.txt").write_text("")
    return root


def zoo(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "zoo.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_check_lists_every_bug_by_file_and_exits_1(folder: Path) -> None:
    result = zoo("data", "check", f"cub:{folder}")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    for name in ("truncated", "zero_bytes", "no_captions", "empty_captions", "not_utf8", "no_picture"):
        assert any(f"002.faulty/{name}." in line for line in result.stdout.splitlines()), name
    assert "001.sound" not in result.stdout
    assert "testclasses.txt" in result.stdout


def test_train_refuses_with_the_count_and_the_command(folder: Path, tmp_path: Path) -> None:
    result = zoo("train", "attngan-aviary", "--data", f"cub:{folder}", "--out", tmp_path / "run")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert f"zoo data check cub:{folder}" in result.stderr
    assert "problems" in result.stderr
    assert not (tmp_path / "run").exists()
