"""Commands whose standard streams are closed, full, read no longer, or in an encoding of few characters."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ZOO = f"{sys.executable} -m zoo"


def shell(script: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A script of bash that fails where a command in a pipe does; "zoo" is the command."""
    script = f'zoo() {{ {ZOO} "$@"; }}; {script}'
    result = subprocess.run(
        ["bash", "-c", script], capture_output=True, check=False, cwd=cwd, env={**os.environ, **environment}
    )
    assert b"Traceback" not in result.stdout + result.stderr, result.stderr.decode()
    assert b"Exception ignored" not in result.stderr, result.stderr.decode()
    return result


@pytest.mark.parametrize("closed", ["2>&-", "<&-", "<&- 2>&-"])
def test_closed_streams_stop_nothing(closed: str) -> None:
    result = shell(f"zoo list importer {closed}")
    assert result.returncode == 0
    assert b"importer" in result.stdout


def test_a_closed_output_is_no_traceback() -> None:
    assert shell("zoo list importer >&-").returncode == 0


def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    result = shell("zoo list | head -n 1; exit ${PIPESTATUS[1]}")
    assert result.returncode == 0
    assert result.stderr == b""
    assert len(result.stdout.splitlines()) == 1


def test_messages_that_nobody_reads_stop_nothing(tmp_path: Path) -> None:
    script = "zoo data make aviary birds --images 3 --resolution 16 2> >(exec 0<&-)"
    assert shell(script, tmp_path).returncode == 0
    assert len(list((tmp_path / "birds").rglob("*.png"))) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_output_is_told_in_a_line() -> None:
    result = shell("zoo list importer > /dev/full")
    assert result.returncode == 2
    assert result.stderr == b"error: No space left on device\n"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_an_encoding_of_few_characters_gets_question_marks(encoding: str) -> None:
    result = shell("zoo show attngan-birds && zoo list metric", PYTHONIOENCODING=encoding)
    assert result.returncode == 0, result.stderr
    assert b"Fr\xe9chet" in result.stdout if encoding == "cp1252" else b"Fr?chet" in result.stdout


def test_the_narrowest_terminal() -> None:
    assert shell("zoo plugins && zoo list importer && zoo --help", COLUMNS="1").returncode == 0


def test_captions_come_and_images_go_by_pipes(trained: Path, tmp_path: Path) -> None:
    result = shell(f"echo a red bird | zoo sample {trained} --out - --device cpu", tmp_path)
    assert result.returncode == 0, result.stderr
    with Image.open(io.BytesIO(result.stdout)) as image:
        assert image.size == (32, 32)
    assert list(tmp_path.iterdir()) == []


def test_folders_of_out_are_made(trained: Path, tmp_path: Path) -> None:
    result = shell(f"zoo sample {trained} 'a red bird' --out new/deep/red.png --device cpu", tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "new/deep/red.png").is_file()


def test_version() -> None:
    assert shell("zoo --version").stdout == b"zoo 0.1.0\n"


def test_the_cache_is_cleared_after_it_is_told(tmp_path: Path) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path), "ZOO_CACHE": ""}
    folder = tmp_path / "t2i-zoo"
    (folder / "features").mkdir(parents=True)
    (folder / "features/one").write_bytes(bytes(2500))
    asked = shell("zoo cache clean < /dev/null", **cache)
    assert asked.returncode == 2
    assert b"features  2.5 kB" in asked.stdout
    assert b"--yes" in asked.stderr
    assert (folder / "features/one").is_file()
    assert b"2.5 kB" in shell("zoo doctor", **cache).stdout
    assert f"removed 2.5 kB from {folder}".encode() in shell("zoo cache clean --yes", **cache).stdout
    assert list(folder.iterdir()) == []
