"""The studio as programs use it, and as nobody should."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from studio_process import served

import zoo
from zoo.imaging.grids import image_grid
from zoo.studio import WAITING
from zoo_registry import Recipe, catalogue

pytestmark = pytest.mark.xdist_group("studio")
CAPTION = "a small red bird with black wings"


@pytest.fixture(scope="module")
def client(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = Client(address, download_files=tmp_path_factory.mktemp("downloads"), verbose=False)
    yield client
    client.close()


def test_a_program_generates(client: Client, models: Path) -> None:
    images, grid, recipe, command = client.predict("birds", CAPTION, 2, 7, api_name="/generate")
    wanted = zoo.load(models / "birds", device="cpu")(CAPTION, seed=7, images=2)
    with Image.open(grid) as generated:
        np.testing.assert_array_equal(np.asarray(generated), np.asarray(image_grid(wanted, 2)))
    assert [entry["caption"] for entry in images] == [CAPTION] * 2
    with Image.open(images[1]["image"]) as generated:
        np.testing.assert_array_equal(np.asarray(generated), np.asarray(wanted[1]))
    assert Path(recipe).suffix == ".json"
    assert command == f"zoo sample birds '{CAPTION}' --images 2 --seed 7 --out image.png"


def test_a_program_sees_the_attention(client: Client, models: Path) -> None:
    (answer,) = client.predict("birds", CAPTION, 2, 7, api_name="/attention")
    assert answer["words"] == CAPTION.split()
    (stage,) = answer["stages"]
    (maps,) = zoo.load(models / "birds", device="cpu").generate(CAPTION, 7, 2).attention
    with Image.open(stage["maps"]) as sheet:
        found = np.asarray(sheet) / 255 * stage["most"]
    height, width = stage["height"], stage["width"]
    assert found.shape == (2 * height, 7 * width)
    np.testing.assert_allclose(
        found[height:, 2 * width : 3 * width], maps[1, 2].numpy(), atol=stage["most"] / 250
    )


def test_the_endpoints_are_listed(client: Client) -> None:
    info = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(info) == {
        f"/{name}"
        for name in (
            "about",
            "attention",
            "between",
            "compare",
            "gallery",
            "generate",
            "restyle",
            "swap",
            "unknown",
        )
    }
    assert [parameter["parameter_name"] for parameter in info["/generate"]["parameters"]] == [
        "model",
        "captions",
        "images",
        "seed",
    ]


def test_words_are_swapped(client: Client) -> None:
    images, command = client.predict("birds", CAPTION, "red", "blue, green", 1, 0, api_name="/swap")
    assert [entry["caption"].split()[2] for entry in images] == ["red", "blue", "green"]
    assert command.startswith("zoo sample birds")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("../secret", CAPTION, 1, 0), "is not available here; there are: birds, flowers, finches, shapes"),
        (("birds", CAPTION, 9, 0), "expected 1 to 8 images per caption, got 9"),
        (("birds", CAPTION, 1, -1), "integer from 0 to 4294967295, got -1"),
        (("birds", "x" * 301, 1, 0), "300 characters or fewer"),
        (("shapes", "a red bird", 1, 0), "takes no captions"),
    ],
)
def test_what_is_not_available_is_refused(client: Client, given: tuple[Any, ...], told: str) -> None:
    with pytest.raises(AppError, match=told):
        client.predict(*given, api_name="/generate")


def test_an_image_is_restyled(client: Client, tmp_path: Path) -> None:
    Image.new("L", (30, 50), 90).save(tmp_path / "grey.png")
    generated = client.predict("flowers", handle_file(tmp_path / "grey.png"), "a bird", api_name="/restyle")
    with Image.open(generated) as image:
        assert image.size == (16, 16), "as it was generated"


def called(address: str, endpoint: str, *data: Any) -> str:
    """What a call answers that no client of Gradio's has tidied: the last event's name and data."""
    body = json.dumps({"data": data}).encode()
    url = f"{address}gradio_api/call/{endpoint}"
    post = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(post, timeout=60) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{url}/{event}", timeout=60) as answer:
        return str(answer.read().decode())


def test_no_file_of_the_server_is_read(address: str, models: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    Image.new("RGB", (8, 8), "red").save(secret)
    for path in (secret, models / "birds" / "config.json", Path("/etc/passwd")):
        sent = {"path": str(path), "meta": {"_type": "gradio.FileData"}}
        assert "event: error" in called(address, "restyle", "flowers", sent, "a bird")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address}gradio_api/file={path}")
        refused.value.close()
        assert refused.value.code == 403


def test_what_is_no_image_is_reported(client: Client, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"<svg onload=alert(1)>")
    with pytest.raises(AppError, match="the image cannot be used: not an image in a format that is read"):
        client.predict("flowers", handle_file(tmp_path / "a.png"), "a bird", api_name="/restyle")


def test_a_large_upload_is_turned_away(client: Client, tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(b"\0" * 6_000_000)
    with pytest.raises(Exception, match=r"exceeds|413|large"):
        client.predict("flowers", handle_file(tmp_path / "large.png"), "a bird", api_name="/restyle")


def test_other_machines_are_not_served(address: str) -> None:
    port = urlsplit(address).port
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_a_crowd_is_turned_away(address: str) -> None:
    """The queue is bounded: what waits costs memory."""

    def asked(_: int) -> int:
        try:
            draws = "\n".join([CAPTION] * 8), 8, 0
            body = json.dumps({"data": ["birds", *draws]}).encode()
            url = f"{address}gradio_api/call/generate"
            with urllib.request.urlopen(
                urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=60
            ) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            refused.close()
            return int(refused.code)

    crowd = 3 * WAITING
    with ThreadPoolExecutor(crowd) as pool:
        answers = list(pool.map(asked, range(crowd)))
    assert set(answers) == {200, 429}, "a full queue is no fault of the server's"
    assert answers.count(200) >= WAITING


def zoo_studio(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zoo.cli", "studio", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=cwd,
    )


def test_a_model_that_is_none(tmp_path: Path) -> None:
    result = zoo_studio(tmp_path / "birds")
    assert result.returncode == 2
    assert "birds is not a model" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_run_that_does_not_generate(models: Path, tmp_path: Path) -> None:
    """Told at the start, though its path is spelled like a repository on the Hub."""
    config = json.loads((models / "birds" / "config.json").read_text(encoding="utf-8"))
    config["recipe"] = Recipe.read("damsm-aviary", catalogue()).locked()
    (tmp_path / "runs/matcher").mkdir(parents=True)
    (tmp_path / "runs/matcher/config.json").write_text(json.dumps(config), encoding="utf-8")
    result = zoo_studio("runs/matcher", cwd=tmp_path)
    assert result.returncode == 2
    assert "runs/matcher has no generator and cannot generate" in result.stderr


def test_a_shipped_model_tells_of_itself(tmp_path: Path) -> None:
    with served(sys.executable, "-m", "zoo.cli", "studio", "portraits", cwd=tmp_path) as url:
        client = Client(url, download_files=tmp_path / "downloads", verbose=False)
        about = client.predict("portraits", api_name="/about")
        gallery = client.predict("portraits", api_name="/gallery")
        client.close()
    folder = catalogue().pretrained("portraits")
    assert folder is not None
    known = json.loads((folder / "config.json").read_text(encoding="utf-8"))["about"]["captions"]
    assert about["captions"] == gallery["captions"] == known
    with Image.open(gallery["image"]) as found, Image.open(folder / "samples.png") as wanted:
        np.testing.assert_array_equal(np.asarray(found), np.asarray(wanted.convert("RGB")))


def test_shipped_models_that_cannot_generate_are_left_out(models: Path, tmp_path: Path) -> None:
    info = tmp_path / "zoo_ships-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-ships\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zoo]\nzoo-ships = zoo_ships\n")
    (tmp_path / "zoo_ships.py").write_text(
        "from pathlib import Path\n\nfrom zoo_registry import hookimpl\n\n\n@hookimpl\n"
        "def zoo_pretrained():\n    return [Path(__file__).parent / 'shipped']\n"
    )
    shutil.copytree(models / "birds", tmp_path / "shipped" / "birds-of-old")
    shutil.copytree(models / "birds", tmp_path / "shipped" / "birds-of-new")
    (tmp_path / "shipped" / "birds-of-old" / "config.json").write_text("{")
    config = json.loads((models / "birds" / "config.json").read_text(encoding="utf-8"))
    config["recipe"] = Recipe.read("damsm-aviary", catalogue()).locked()
    (tmp_path / "shipped" / "birds-matched").mkdir()
    (tmp_path / "shipped" / "birds-matched" / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "zoo.cli", "studio"]
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    with served(*command, cwd=tmp_path, PYTHONPATH=path) as url:
        client = Client(url, download_files=tmp_path / "downloads", verbose=False)
        assert client.predict("birds-of-new", api_name="/about")["reads_text"]
        for name in ("birds-of-old", "birds-matched"):
            with pytest.raises(AppError, match="is not available here"):
                client.predict(name, api_name="/about")
        client.close()


def test_a_port_that_is_taken(address: str, models: Path) -> None:
    port = str(urlsplit(address).port)
    result = zoo_studio(models / "birds", "--port", port)
    assert result.returncode == 2
    assert f"the studio cannot be served on port {port}" in result.stderr
