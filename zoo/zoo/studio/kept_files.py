"""Files that clients sent or may take along, in a folder that holds no more than so many bytes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from threading import Lock


class KeptFiles:
    """A folder, from which the oldest files go once there is too much in it.

    limit: bytes, all together. Files that others write there, such as uploads, count by `add`.
    """

    def __init__(self, folder: Path, limit: int = 200_000_000) -> None:
        self.folder, self.limit = folder, limit
        self._bytes = 0  # what the last look found, and what was added since
        self._lock = Lock()

    def new(self, name: str) -> Path:
        """The path of a file to write, in a folder of its own."""
        return Path(tempfile.mkdtemp(dir=self.folder)) / name

    def holds(self, path: str) -> bool:
        """Whether a path is that of a file in the folder, links resolved."""
        try:
            file = Path(path).resolve()
            return file.is_relative_to(self.folder.resolve()) and file.is_file()
        except (OSError, ValueError, RuntimeError):  # a name too long, a null byte, a link to itself
            return False

    def add(self, size: int) -> None:
        """Count bytes that were written; remove the oldest files where the limit is passed."""
        with self._lock:
            self._bytes += size
            if self._bytes > self.limit:
                self._bytes = self._remove_oldest()

    def _remove_oldest(self) -> int:
        """Remove files until three quarters of the limit are left; the bytes that remain."""
        found = []
        for place, _, names in os.walk(self.folder):
            for name in names:
                path = Path(place, name)
                try:
                    status = path.stat()
                except FileNotFoundError:  # an upload that was moved to its name meanwhile
                    continue
                found.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self.limit * 3 // 4:
                break
            path.unlink(missing_ok=True)
            total -= size
            if path.parent != self.folder and not any(path.parent.iterdir()):
                path.parent.rmdir()
        return total
