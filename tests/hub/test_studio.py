"""The studio with models that are on the Hub."""

from __future__ import annotations

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
        pictures, *_, told = client.predict("ada/birds", CAPTION, 2, 3, api_name="/draw")
        assert told.startswith("zoo sample ada/birds")
        with pytest.raises(AppError, match="ada/finches is no folder here and no repository at"):
            client.predict("ada/finches", CAPTION, 1, 0, api_name="/draw")
        hub.asked.clear()
        client.predict("ada/birds", CAPTION, 1, 0, api_name="/draw")
        assert not hub.asked, "it is at hand by now"
        client.close()
    assert len(pictures) == 2
