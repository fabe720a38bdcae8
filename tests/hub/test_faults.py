"""What goes wrong on the way to the Hub, and what a repository may hold that it should not: a line each."""

from __future__ import annotations

import hashlib
import json
import pickle
import socket
from pathlib import Path

import pytest

from .conftest import Machine
from .hub_server import Fault, Hub

Files = dict[str, bytes]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_interruptions_are_got_over(hub: Hub, machine: Machine, model: Files) -> None:
    long = b"a line of a long tokenizer\n" * 500_000  # 13 MB: the client keeps what it has by 10 MiB
    hub.put("ada/birds", model | {"text_encoder/merges.txt": long})
    hub.faults[:] = [
        Fault("GET", "/resolve/.*/text_encoder/merges.txt", cut=12_000_000),
        Fault("GET", f"/cdn/{hashlib.sha256(model['generator.safetensors']).hexdigest()}", cut=1000),
        Fault("GET", "/resolve/.*/vocabulary.json", 429),
    ]
    told = machine.zoo("pull", "ada/birds", "birds", token="hf_ada")
    assert told.status == 0, told.err
    assert all(fault.times == 0 for fault in hub.faults)
    assert (machine.folder / "birds/generator.safetensors").read_bytes() == model["generator.safetensors"]
    assert (machine.folder / "birds/text_encoder/merges.txt").read_bytes() == long
    ranges = [asked.range for asked in hub.asked if asked.range is not None]
    assert ranges == [f"bytes={10 * 2**20}-"], "the download went on where it was cut"
    assert {asked.token for asked in hub.asked if asked.host == "localhost"} == {None}
    assert {asked.token for asked in hub.asked if asked.host != "localhost"} == {"hf_ada"}

    hub.faults[:] = [Fault("GET", "/api/models/", 503, times=9)]
    again = machine.zoo("pull", "ada/birds")
    assert again.status == 0, "what was fetched before serves while the Hub fails"


def test_who_may_not_read_is_reported_what_to_do(hub: Hub, machine: Machine, model: Files) -> None:
    hub.put("ada/secret", model, private=True)
    hub.put("ada/asks", model, gated=True)
    birds = hub.put("ada/birds", model)
    birds.refs["v1.0"] = birds.refs["main"]
    assert machine.zoo("pull", "ada/birds").status == 0
    (machine.folder / "runs" / "finches").mkdir(parents=True)
    for name, token, lines in (
        (
            "ada/secret",
            None,
            ("ada/secret is no folder here and no repository at", "hf auth login, or HF_TOKEN"),
        ),
        ("ada/secret", "hf_reader", ("ada/secret is no folder here and no repository at",)),
        ("ada/birds@v1.O", "hf_wrong", ("answered 401: no valid token was sent",)),
        ("ada/asks", "hf_reader", ("asks its readers to accept its conditions first",)),
        ("ada/brids", None, ("did you mean 'ada/birds'?", "org/name@revision, as the Hub spells them")),
        ("runs/finch", None, ("did you mean 'runs/finches'?",)),
        ("ada/birds@v1.O", None, ("ada/birds has no revision 'v1.O'; did you mean 'v1.0'?",)),
        ("ada/birds@../../x", None, ("'../../x' is no revision",)),
    ):
        told = machine.zoo("card", name, token=token)
        assert (told.status, told.out) == (2, ""), told
        assert all(line in told.err for line in lines), told.err
        assert len(told.err.strip().splitlines()) <= 2, told.err
    for status, line in (
        (403, "answered 403: the token may not read it"),
        (429, "answered 429: too many requests; try again"),
        (500, "ada/asks is no folder here and not wholly in the cache"),
    ):
        hub.faults[:] = [Fault("GET", "/api/models/", status, times=9)]
        told = machine.zoo("card", "ada/asks", token="hf_ada")
        assert (told.status, line in told.err) == (2, True), told.err
    three = machine.zoo("sample", "ada/birds/model", "a bird")
    assert "ada/birds/model is not a model" in three.err
    assert "a repository on the Hub, org/name or org/name@revision" in three.err


def test_no_hub_at_all(hub: Hub, machine: Machine) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        alone = Machine(machine.home, f"http://127.0.0.1:{closed.getsockname()[1]}")
        alone.folder = machine.folder
        told = alone.zoo("sample", "ada/birds", "a bird")
        alone.close()
    assert told.status == 2
    assert told.err.startswith("error: ada/birds is no folder here and not wholly in the cache")
    assert "cannot be reached" in told.err


class Marks:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.write_text, (self.path, "run")


def changed(config: bytes, **values: object) -> bytes:
    return json.dumps(json.loads(config) | values).encode()


def altered(tensors: bytes) -> bytes:
    return tensors[:-1] + bytes([tensors[-1] ^ 1])


@pytest.fixture
def hostile(model: Files, tmp_path: Path) -> dict[str, tuple[Files, str]]:
    """Repositories by name, and what is said of each."""
    config = model["config.json"]
    recipe = json.loads(config)["recipe"]
    foreign = recipe | {"generator": {"use": "their-stages"}}
    made = json.loads(config)["made_with"] | {"plugins": {"zoo-of-theirs": "2.1"}}
    bomb = pickle.dumps(Marks(tmp_path / "marked"))
    recorded = {"generator.safetensors": hashlib.sha256(model["generator.safetensors"]).hexdigest()}
    short = model["generator.safetensors"][:200]
    return {
        "no-config": (
            {n: c for n, c in model.items() if n != "config.json"},
            "is no model of the zoo: it has no config.json; it holds: README.md, ",
        ),
        "no-json": (
            model | {"config.json": b"\x80\x04"},
            "config.json cannot be read as a model's configuration",
        ),
        "no-plugin": (
            model | {"config.json": changed(config, recipe=foreign, made_with=made)},
            "pip install zoo-of-theirs==2.1",
        ),
        "newer": (
            model | {"config.json": json.dumps({"format": 9, "graph": []}).encode()},
            "config.json has format 9; this zoo reads format 1: install a newer t2i-zoo",
        ),
        "tampered": (
            model
            | {
                "config.json": changed(config, files=recorded),
                "generator.safetensors": altered(model["generator.safetensors"]),
            },
            "generator.safetensors is not the file that was pushed",
        ),
        "cut": (model | {"generator.safetensors": short}, "cannot be read as safetensors"),
        "misshapen": (
            model | {"generator.safetensors": model["conditioning.safetensors"]},
            "the weights do not fit the part",
        ),
        "climbing": (model | {"../../../climbed.json": b"{}"}, "'../../../climbed.json', which would leave"),
        "absolute": (model | {f"{tmp_path}/climbed.json": b"{}"}, "which would leave its folder"),
        "pickle": (model | {"optimizer.pt": bomb}, "holds a pickle, optimizer.pt, which could run code"),
        "disguised": (model | {"generator.safetensors": bomb}, "cannot be read as safetensors"),
        "vocabulary": (model | {"vocabulary.json": bomb}, "vocabulary"),
        "extends": (
            model | {"config.json": changed(config, recipe=recipe | {"extends": "/etc/passwd"})},
            "extends another recipe",
        ),
        "odd": (
            model | {"config.json": changed(config, files=["x"], about=[1], growth={"resolution": "5"})},
            "config.json cannot be read as a model's configuration: growth.alpha: Field required",
        ),
        "code": (
            model | {"config.json": changed(config, recipe=recipe | {"generator": {"use": "os:system"}})},
            "generator.use: no generator is called 'os:system'",
        ),
    }


def test_a_hostile_repository_runs_and_writes_nothing(
    hub: Hub, machine: Machine, hostile: dict[str, tuple[Files, str]], tmp_path: Path
) -> None:
    before = snapshot(tmp_path)
    for name, (files, line) in hostile.items():
        hub.put(f"eve/{name}", files)
        hub.asked.clear()
        told = machine.zoo("sample", f"eve/{name}", "a small red bird", "--out", "out.png")
        assert (told.status, told.out) == (2, ""), (name, told)
        assert line in told.err, (name, told.err)
        assert f"eve/{name}" in told.err or f"eve--{name}" in told.err, (name, told.err)
        if name in ("climbing", "absolute", "pickle", "no-config"):
            assert not [a for a in hub.asked if "/resolve/" in a.path], "refused before a file was fetched"
        if name in ("no-json", "no-plugin", "newer", "extends", "code"):
            assert not [a for a in hub.asked if "/cdn/" in a.path], "refused before the weights were fetched"
    assert snapshot(tmp_path) == before, "neither a marker nor an image"
    assert {path.name for path in machine.home.iterdir()} <= {"hub"}

    # What the transfer broke is fetched anew.
    hub.put("ada/birds", hostile["no-config"][0] | {"config.json": hostile["tampered"][0]["config.json"]})
    assert machine.zoo("pull", "ada/birds").status == 0
    (stored,) = (machine.cache / "models--ada--birds/snapshots").glob("*/generator.safetensors")
    stored.resolve().write_bytes(altered(stored.read_bytes()))
    broken = machine.zoo("pull", "ada/birds")
    assert "generator.safetensors is not the file that was pushed" in broken.err
    assert machine.zoo("pull", "ada/birds").status == 0
