"""The same sources give the same distributions, byte for byte."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("registry", "plugins", "zoo", "pyproject.toml", "README.md", "LICENSE")


def built(sources: Path, out: Path) -> dict[str, str]:
    """The wheel and the sdist of sources, and the SHA-256 of each."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(out)],
        cwd=sources,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"},
        check=True,
        capture_output=True,
    )
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in out.iterdir()}


def test_two_builds_are_equal(tmp_path: Path) -> None:
    found = []
    for name in ("first", "second"):  # other folders and other times of files
        for source in SOURCES:
            if (ROOT / source).is_dir():
                shutil.copytree(
                    ROOT / source,
                    tmp_path / name / source,
                    copy_function=shutil.copyfile,
                    ignore=shutil.ignore_patterns("__pycache__"),
                )
            else:
                shutil.copyfile(ROOT / source, tmp_path / name / source)
        found.append(built(tmp_path / name, tmp_path / f"{name}-dist"))
    assert len(found[0]) == 2
    assert found[0] == found[1]
