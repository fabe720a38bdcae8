"""The studio with models that are on the Hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from studio_process import served

from .conftest import Machine
from .hub_server import Hub

CAPTION = "a small red bird with black wings"


def test_a_model_is_fetched_when_it_is_first_asked_for(hub: Hub, machine: Machine, run: Path) -> None:
    assert machine.zoo("push", run, "ada/birds", token="hf_ada").status == 0
    hub.asked.clear()
    command = [sys.executable, "-m", "zoo.cli", "studio", "ada/birds", "ada/finches"]
    environment = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(machine.home), "HF_HUB_DISABLE_XET": "1"}
    with served(*command, cwd=machine.folder, **environment) as address:
        assert not hub.asked
        client = Client(address, download_files=machine.folder / "downloads", verbose=False)
        images, *_, told = client.predict("ada/birds", CAPTION, 2, 3, api_name="/generate")
        assert told.startswith("zoo sample ada/birds")
        with pytest.raises(AppError, match="ada/finches is no folder here and no repository at"):
            client.predict("ada/finches", CAPTION, 1, 0, api_name="/generate")
        hub.asked.clear()
        client.predict("ada/birds", CAPTION, 1, 0, api_name="/generate")
        assert not hub.asked, "it is at hand by now"
        client.close()
    assert len(images) == 2


def test_its_captions_are_known_once_it_was_fetched(hub: Hub, machine: Machine, run: Path) -> None:
    assert machine.zoo("push", run, "ada/birds", token="hf_ada").status == 0
    hub.asked.clear()
    code = """
import json
from zoo.studio.served_models import StudioModels
models = StudioModels(["ada/birds"])
print(json.dumps(models.captions("ada/birds")))
models["ada/birds"]
print(json.dumps(models.captions("ada/birds")))
"""
    environment = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(machine.home), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    before, after = map(json.loads, done.stdout.splitlines())
    grid = json.loads((run / "samples" / "grid.json").read_text(encoding="utf-8"))
    assert before == []
    assert after == [caption for caption in grid["captions"] if caption]
    assert after
