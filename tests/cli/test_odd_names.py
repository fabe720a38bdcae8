"""Names that are no places and numbers that fit nowhere: a line and status 2."""

from __future__ import annotations

import subprocess
import sys

import pytest

from zoo.cli.generating import _read as lines_of


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sample", "~nosuchuser/x", "a bird"], "~nosuchuser/x: there is no home of that user"),
        (["data", "check", "~nosuchuser/x"], "there is no home of that user"),
        (["sample", "x" * 5000, "a bird"], "File name too long"),
        (["sample", "/", "a bird"], "/ is not a model"),
        (["sample", "aviary", "a red bird", "--out", "x.h5"], "unsupported extension"),
        (
            ["sample", "aviary", "a red bird", "--images", "1000000000"],
            "images of 64 px would take",
        ),
        (["interpolate", "aviary", "red", "blue", "--steps", "1000000000"], "images of 64 px would take"),
        (
            ["eval", "aviary", "--data", "aviary:40", "--metrics", "kid", "--images", "9" * 15],
            "images of 64 px would take",
        ),
        (["data", "info", "aviary:99999999999999999999"], "expected 10,000,000 images or fewer"),
        (["data", "make", "aviary", "big", "--images", "9999999", "--resolution", "100000"], "would take"),
    ],
)
def test_told_in_a_line(tmp_path, arguments, told):
    command = [sys.executable, "-m", "zoo.cli", *arguments]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 2, result.stderr
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_captions_from_a_file_of_any_encoding(tmp_path, encoding):
    (tmp_path / "captions.txt").write_bytes("a cafe\u0301\r\n\r\nred\r\n".encode(encoding))
    assert lines_of(tmp_path / "captions.txt") == ["a caf\u00e9", "red"]
