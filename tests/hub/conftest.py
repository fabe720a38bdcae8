"""A Hub of our own, and the command line as a process that talks to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import zoo

from .hub_server import Hub


class Told(NamedTuple):
    status: int
    out: str
    err: str


class Machine:
    """A user's machine: a home of huggingface_hub's, and the command line in one process."""

    def __init__(self, home: Path, endpoint: str, **env: str) -> None:
        self.home, self.folder = home, Path.cwd()
        kept = {name: v for name, v in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error::UserWarning", Path(__file__).with_name("worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=kept
            | {
                "HF_ENDPOINT": endpoint,
                "HF_HOME": str(home),
                "HF_HUB_DISABLE_XET": "1",  # our server does not speak it: the client goes by Git LFS
                "HF_HUB_DISABLE_TELEMETRY": "1",
            }
            | env,
        )

    @property
    def cache(self) -> Path:
        return self.home / "hub"

    def zoo(self, *arguments: str | Path, token: str | None = None) -> Told:
        """One command, in this machine's folder."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        line = json.dumps([[str(argument) for argument in arguments], str(self.folder), token])
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return Told(*json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        self.process.communicate(timeout=120)


@pytest.fixture(scope="session")
def only_hub() -> Iterator[Hub]:
    server = Hub()
    yield server
    server.close()


@pytest.fixture(scope="session")
def only_machine(only_hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("machine") / "hf", only_hub.endpoint)
    yield machine
    machine.close()


@pytest.fixture
def hub(only_hub: Hub) -> Hub:
    """The Hub, empty."""
    only_hub.repositories.clear()
    only_hub.large.clear()
    only_hub.asked.clear()
    only_hub.faults.clear()
    return only_hub


@pytest.fixture
def machine(only_machine: Machine, hub: Hub, tmp_path: Path) -> Machine:
    """The machine in a new folder, with an empty cache of the Hub."""
    shutil.rmtree(only_machine.cache, ignore_errors=True)
    only_machine.folder = tmp_path / "here"
    only_machine.folder.mkdir()
    return only_machine


@pytest.fixture(scope="session")
def run(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained run that has been measured."""
    folder = tmp_path_factory.mktemp("measured") / "birds"
    shutil.copytree(trained, folder)
    changes = ["diversity.features=own"]
    zoo.evaluate(folder, "aviary:40", ["diversity"], changes=changes, images=20, allow_small=True, quiet=True)
    return folder


@pytest.fixture(scope="session")
def model(run: Path) -> dict[str, bytes]:
    """The files of its model."""
    folder = run / "model"
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
