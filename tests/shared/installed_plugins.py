"""Plugins as users have them: distributions with entry points, for a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def distribution(site: Path, name: str, code: str, version: str = "1.0") -> None:
    """Install a distribution with one module by writing what an installer writes."""
    module = name.replace("-", "_")
    (site / f"{module}.py").write_text(code)
    info = site / f"{module}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[zoo]\n{name} = {module}\n")


def zoo(
    site: Path, *arguments: str, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zoo", *arguments],
        cwd=cwd,
        env=os.environ
        | {"PYTHONPATH": f"{site}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
        | environment,
        capture_output=True,
        text=True,
        check=False,
    )
