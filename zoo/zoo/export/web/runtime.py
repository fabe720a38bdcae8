"""onnxruntime-web, which the page runs models with: from its npm package or a folder of it.

Two builds are taken: a plain one for every browser, and one that computes by WebGPU in browsers that can
suspend WebAssembly (JSPI), at two thirds of the size of the build that does without. A visitor loads one.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from zoo_registry import ZooError
from zoo_registry.errors import first_line

from ...data.cache import cache_folder
from ...files import folder_written_beside

PACKAGE = "onnxruntime-web"
VERSION = "1.30.0"
"""What is asked of npm."""
FILES = {
    "ort.wasm.bundle.min.mjs": "ort.wasm.js",
    "ort-wasm-simd-threaded.wasm": "ort.wasm",
    "ort.jspi.bundle.min.mjs": "ort.webgpu.js",
    "ort-wasm-simd-threaded.jspi.wasm": "ort.webgpu.wasm",
}
"""The files of the package's `dist` that a page needs, by their names there.

Modules end in .js: some hosts serve .mjs as a type that browsers refuse.
"""
_DESCRIPTION = "package.json"
_SECONDS = 600


@dataclass(frozen=True)
class Runtime:
    """A folder of the package: `package.json` and `dist`."""

    folder: Path

    @property
    def version(self) -> str:
        """As the package tells it; "" where it does not."""
        try:
            description = json.loads((self.folder / _DESCRIPTION).read_text(encoding="utf-8"))
            return str(description["version"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def missing(self) -> list[str]:
        """The needed files that are not there."""
        return [name for name in FILES if not (self.folder / "dist" / name).is_file()]

    def copy(self, out: Path) -> None:
        """Copy the needed files into a new folder."""
        out.mkdir()
        for name, copied in FILES.items():
            shutil.copyfile(self.folder / "dist" / name, out / copied)


def find_runtime(folder: Path | None = None) -> Runtime:
    """The runtime in a folder of the package, or else of the pinned version: kept here before, or by npm.

    Raises `ZooError` where files are missing, and where npm is not there or cannot fetch the package.
    """
    if folder is not None:
        given = Runtime(folder.parent if folder.name == "dist" else folder)
        if missing := given.missing():
            raise ZooError(
                f"--runtime {folder}: expected a folder of the npm package {PACKAGE}, got one without "
                f"dist/{missing[0]}"
            )
        return given
    kept = Runtime(cache_folder() / f"{PACKAGE}-{VERSION}")
    if kept.missing():
        _fetch(kept.folder)
    return kept


def _fetch(target: Path) -> None:
    with TemporaryDirectory() as scratch, folder_written_beside(target) as beside:
        archive = _pack(Path(scratch))
        expected = {f"package/{_DESCRIPTION}", *(f"package/dist/{name}" for name in FILES)}
        try:
            with tarfile.open(archive) as tar:
                members = [member for member in tar if member.name in expected]
                tar.extractall(scratch, members, filter="data")
        except (OSError, tarfile.TarError) as error:
            raise ZooError(
                f"what npm gave for {PACKAGE}@{VERSION} cannot be read: {first_line(error)}"
            ) from None
        shutil.copytree(Path(scratch) / "package", beside, dirs_exist_ok=True)
        if missing := Runtime(beside).missing():
            raise ZooError(f"what npm gave for {PACKAGE}@{VERSION} has no dist/{missing[0]}")


def _pack(folder: Path) -> Path:
    """The package's archive in a folder, as npm brings it, from wherever npm is set up to look."""
    npm = shutil.which("npm")
    if npm is None:
        raise _unavailable("npm is not installed")
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--prefer-offline", "--silent", "--ignore-scripts"]
    try:
        ended = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise _unavailable(f"npm did not answer within {_SECONDS} s") from None
    archives = sorted(folder.glob("*.tgz"))
    if ended.returncode != 0 or not archives:
        lines = (ended.stderr or ended.stdout).strip().splitlines()
        raise _unavailable(f"npm cannot fetch it ({lines[0] if lines else f'exit code {ended.returncode}'})")
    return archives[0]


def _unavailable(reason: str) -> ZooError:
    return ZooError(
        f"a web page needs {PACKAGE} {VERSION}, and {reason}; "
        "install Node.js, or name an unpacked copy of the package by --runtime DIR"
    )
