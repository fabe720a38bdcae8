"""A power cut leaves files and folders whole or not there: what is moved into its place was synced before."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.files import file_written_beside, folder_written_beside, write_text
from zoo.files.atomic import append, sync_appended

Events = list[tuple[str, bytes | int]]


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Events:
    """What was synced, files by their content and folders by their inode; what was moved, by its inode."""
    recorded: Events = []

    def fsync(number: int) -> None:
        status = os.fstat(number)
        folder = stat.S_ISDIR(status.st_mode)
        recorded.append(("synced", status.st_ino if folder else os.pread(number, 100, 0)))

    def recording(move: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
        def moved(source: Path, target: Path) -> None:
            recorded.append(("moved", inode(source)))
            move(source, target)

        return moved

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", recording(os.replace))
    monkeypatch.setattr(os, "rename", recording(os.rename))
    return recorded


def inode(path: Path) -> int:
    return path.stat().st_ino


@pytest.mark.parametrize("before", [None, "old"])
def test_a_file_is_synced_before_it_is_moved_in_and_its_folder_after(
    events: Events, tmp_path: Path, before: str | None
) -> None:
    target = tmp_path / "config.json"
    if before is not None:
        target.write_text(before)
    write_text(target, "new")
    assert events == [("synced", b"new"), ("moved", inode(target)), ("synced", inode(tmp_path))]


def test_a_file_that_a_library_writes_is_synced_as_well(events: Events, tmp_path: Path) -> None:
    with file_written_beside(tmp_path / "film.mp4") as beside:
        beside.write_bytes(b"frames")
    assert events[:2] == [("synced", b"frames"), ("moved", inode(tmp_path / "film.mp4"))]


@pytest.mark.parametrize("replaces", [False, True])
def test_all_that_a_folder_holds_is_synced_before_it_is_moved_in_and_what_holds_it_after(
    events: Events, tmp_path: Path, replaces: bool
) -> None:
    target = tmp_path / "model"
    if replaces:
        target.mkdir()
    with folder_written_beside(target) as beside:
        (beside / "training").mkdir()
        (beside / "generator").write_bytes(b"weights")
        (beside / "training" / "discriminator").write_bytes(b"more weights")
    place = events.index(("moved", inode(target)))
    before = {what for event, what in events[:place] if event == "synced"}
    assert before == {b"weights", b"more weights", inode(target), inode(target / "training")}
    assert events[place + 1 :] == [("synced", inode(tmp_path))]


def test_what_was_appended_is_synced_when_that_is_asked_for(events: Events, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    append(log, "1\n")
    append(log, "2\n")
    assert events == []
    sync_appended(log)
    assert events == [("synced", b"1\n2\n")]
