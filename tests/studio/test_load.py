"""The studio under many clients, some of which send what nobody should."""

from __future__ import annotations

import asyncio
import io
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from PIL import Image
from studio_process import Served, started

from zoo.studio.kept_files import KeptFiles

pytestmark = pytest.mark.xdist_group("studio")
CLIENTS = 100
CAPTION = "a small red bird with black wings"
API = "gradio_api"
Answers = Counter[tuple[str, int]]
Request = Callable[[httpx.AsyncClient, random.Random], Awaitable[httpx.Response]]


def png(side: int) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((side, side), 80).save(file, "PNG")
    return file.getvalue()


SMALL = png(64)


async def generate(client: httpx.AsyncClient, draw: random.Random) -> httpx.Response:
    data = ["birds", CAPTION, draw.randint(1, 4), draw.randint(0, 99)]
    answer = await client.post(f"{API}/call/generate", json={"data": data})
    if answer.status_code != 200:
        return answer
    result = await client.get(f"{API}/call/generate/{answer.json()['event_id']}")
    assert "event: complete" in result.text, result.text[:300]
    return result


async def restyle(client: httpx.AsyncClient, draw: random.Random) -> httpx.Response:
    sent = await client.post(f"{API}/upload", files={"files": ("a.png", SMALL + draw.randbytes(8))})
    if sent.status_code != 200:
        return sent
    file = {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}
    answer = await client.post(f"{API}/call/restyle", json={"data": ["flowers", file, "a red flower"]})
    if answer.status_code == 200:
        return await client.get(f"{API}/call/restyle/{answer.json()['event_id']}")
    return answer


async def leave(client: httpx.AsyncClient, draw: random.Random) -> httpx.Response:
    """Ask, and never fetch the answer."""
    return await client.post(f"{API}/call/unknown", json={"data": ["birds", CAPTION]})


async def look(client: httpx.AsyncClient, draw: random.Random) -> httpx.Response:
    return await client.get(draw.choice(["", "models.json", "config", f"{API}/info", "studio/js/app.js"]))


async def oversize(client: httpx.AsyncClient, draw: random.Random) -> httpx.Response:
    if draw.random() < 0.2:
        return await client.post(f"{API}/upload", files={"files": ("a.png", bytes(6_000_000))})
    return await client.post(f"{API}/call/generate", json={"data": ["birds", "x" * 200_000, 1, 0]})


ODD = [
    None,
    True,
    -1,
    0,
    9,
    1.5,
    float("nan"),
    float("inf"),
    10**300,
    "",
    "four",
    "a\x00b",
    "\ud800",
    "../../etc/passwd",
    "x" * 400,
    [],
    [[[]]],
    {},
    {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
    {"path": "a\x00b"},
    {"path": ["x"]},
    {"url": "http://127.0.0.1/"},
]
ENDPOINTS = {
    "about": 1,
    "gallery": 1,
    "unknown": 2,
    "generate": 4,
    "attention": 4,
    "between": 4,
    "swap": 6,
    "restyle": 3,
    "compare": 5,
}
RAW = [
    ("POST", f"{API}/call/generate", b"{"),
    ("POST", f"{API}/call/generate", b"[1]"),
    ("POST", f"{API}/call/generate", b'{"data": 5}'),
    ("POST", f"{API}/call/generate", b'{"data": []}'),
    ("POST", f"{API}/call/generate", b'{"data": ["birds"], "session_hash": 5}'),
    ("POST", f"{API}/call/generate", b"\xff\xfe"),
    ("POST", f"{API}/call/generate", b"[" * 5000),
    ("POST", f"{API}/call/nothing", b'{"data": []}'),
    ("POST", f"{API}/call/v2/generate", b'{"model": "birds"}'),
    ("POST", f"{API}/run/generate", b'{"data": ["birds", "a red bird", 1, 0]}'),
    ("POST", f"{API}/queue/join", b'{"data": ["birds"], "fn_index": 99, "session_hash": "a"}'),
    ("POST", f"{API}/queue/join", b'{"data": ["birds"], "fn_index": 0}'),
    ("POST", f"{API}/queue/join", b'{"data": ["birds"], "fn_index": "x", "session_hash": "a"}'),
    ("POST", f"{API}/cancel", b'{"session_hash": "a", "event_id": "b", "fn_index": "c"}'),
    ("POST", f"{API}/reset", b"{}"),
    ("POST", f"{API}/component_server", b"{}"),
    ("POST", f"{API}/stream/x", b"{}"),
    ("POST", f"{API}/upload", b"no form"),
    ("POST", f"{API}/upload", b""),
    ("POST", f"{API}/vibe-edit/", b"{}"),
    ("POST", "login", b"x=1"),
    ("GET", f"{API}/queue/data", b""),
    ("GET", f"{API}/call/generate/nothing", b""),
    ("GET", f"{API}/file=/etc/passwd", b""),
    ("GET", f"{API}/file=http://127.0.0.1:1/", b""),
    ("GET", f"{API}/file=%00", b""),
    ("GET", f"{API}/custom_component/a/client/b/c", b""),
    ("GET", "studio/../../__init__.py", b""),
    ("GET", "studio/nothing.js", b""),
    ("GET", "monitoring", b""),
    ("PUT", "config", b"{}"),
    ("DELETE", "", b""),
]


async def malformed(client: httpx.AsyncClient, draw: random.Random) -> httpx.Response:
    if draw.random() < 0.4:
        method, path, body = draw.choice(RAW)
        return await client.request(method, path, content=body, headers={"Content-Type": "application/json"})
    name = draw.choice(list(ENDPOINTS))
    usual: list[Any] = ["birds", CAPTION, 1, 0, 1, 0][: ENDPOINTS[name]]
    usual[draw.randrange(len(usual))] = draw.choice(ODD)
    answer = await client.post(f"{API}/call/{name}", content=json.dumps({"data": usual}))
    if answer.status_code == 200:
        return await client.get(f"{API}/call/{name}/{answer.json()['event_id']}")
    return answer


KINDS: list[Request] = [generate, generate, look, look, leave, restyle, oversize, malformed, malformed]


async def crowd(
    address: str, requests: int, until: float = 0.0
) -> tuple[Counter[tuple[str, int]], list[float]]:
    """What 100 clients are answered: statuses by kind of request; the seconds that a generation takes."""
    answers: Answers = Counter()
    seconds: list[float] = []

    async def visit(number: int) -> None:
        draw = random.Random(number)
        async with httpx.AsyncClient(base_url=address, timeout=300) as client:
            done = 0
            while done < requests or time.monotonic() < until:
                kind = draw.choice(KINDS)
                begin = time.monotonic()
                try:
                    answer = await kind(client, draw)
                    answers[kind.__name__, answer.status_code] += 1
                    if kind is generate and answer.status_code == 200:
                        seconds.append(time.monotonic() - begin)
                except (httpx.RemoteProtocolError, httpx.WriteError, httpx.ReadError):
                    assert kind is oversize, "only what is too large is cut off before it was read"
                    answers[kind.__name__, 413] += 1
                done += 1

    await asyncio.gather(*map(visit, range(CLIENTS)))
    return answers, seconds


def memory(process: int) -> float:
    """Megabytes of a process that are in memory."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def check(studio: Served, answers: Answers) -> None:
    assert [key for key in answers if key[1] >= 500] == []
    assert answers["generate", 200] > 0
    assert answers["restyle", 200] > 0
    assert {status for kind, status in answers if kind == "oversize"} <= {413, 429}
    assert "Traceback" not in studio.log.read_text()
    assert studio.process.poll() is None


@pytest.fixture
def studio(models: Path, tmp_path: Path) -> Any:
    for name in ("birds", "flowers"):
        (tmp_path / name).symlink_to(models / name)
    with started(sys.executable, "-m", "zoo.cli", "studio", "birds", "flowers", cwd=tmp_path) as running:
        yield running


def test_a_crowd_with_odd_requests_is_answered_without_a_traceback(studio: Served) -> None:
    answers, _ = asyncio.run(crowd(studio.address, requests=2))
    check(studio, answers)
    (own,) = studio.folder.glob("zoo-studio-*")
    assert any(own.rglob("*.png"))
    assert studio.stop() == 0, "a signal is how it ends"
    assert not own.exists(), "its files go with it"
    assert "Traceback" not in studio.log.read_text()


def test_every_odd_request_is_answered(studio: Served) -> None:
    with httpx.Client(base_url=studio.address, timeout=120) as client:
        for method, path, body in RAW:
            answer = client.request(method, path, content=body, headers={"Content-Type": "application/json"})
            assert 400 <= answer.status_code < 500 or path.endswith(("nothing", "cancel")), (path, answer)
        for name, takes in ENDPOINTS.items():
            for place, odd in [(place, odd) for place in range(takes) for odd in ODD[:: 3 + takes]]:
                usual: list[Any] = ["birds", CAPTION, 1, 0, 1, 0][:takes]
                usual[place] = odd
                answer = client.post(f"{API}/call/{name}", content=json.dumps({"data": usual}))
                assert answer.status_code in (200, 422), (name, place, odd)
    assert "Traceback" not in studio.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_while_clients_wait(studio: Served, number: int) -> None:
    (own,) = studio.folder.glob("zoo-studio-*")
    with httpx.Client(base_url=studio.address, timeout=120) as client:
        for seed in range(20):
            client.post(f"{API}/call/generate", json={"data": ["birds", "\n".join([CAPTION] * 8), 8, seed]})
        assert studio.stop(number) == 0
    assert not own.exists()
    assert "Traceback" not in studio.log.read_text()


def test_uploads_do_not_fill_the_disk(tmp_path: Path) -> None:
    files = KeptFiles(tmp_path, limit=100_000)
    kept = []
    for number in range(40):
        path = files.new("upload.bin")
        path.write_bytes(bytes(10_000))
        files.add(10_000)
        kept.append(path)
        assert disk(tmp_path) <= 100_000, number
    assert kept[-1].is_file(), "the newest stay"
    assert not kept[0].exists()
    assert len(list(tmp_path.iterdir())) <= 10, "nor do empty folders"
    assert files.holds(str(kept[-1]))
    assert not files.holds(str(tmp_path / "../secret"))


LEFT = """
import asyncio, pathlib
from zoo.studio.application import Studio
from zoo.studio.served_models import StudioModels

pathlib.Path("kept.png").touch()
studio = Studio(StudioModels(["birds"]), pathlib.Path())
queue, uploads = studio.blocks._queue, studio.blocks.upload_file_set
queue.pending_event_ids_session.update({"left": {"a"}, "waits": {"b"}})
queue.pending_messages_per_session["waits"] = asyncio.Queue()
uploads.update(["kept.png", "removed.png"])
studio.sweep()
print(*queue.pending_event_ids_session, *uploads)
"""


def test_clients_that_left_are_forgotten(models: Path, tmp_path: Path) -> None:
    (tmp_path / "birds").symlink_to(models / "birds")
    done = subprocess.run(
        [sys.executable, "-c", LEFT], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["waits", "kept.png"]


@pytest.mark.load
def test_five_minutes(studio: Served) -> None:
    """Prints what docs/reliability.md tells."""
    asyncio.run(crowd(studio.address, requests=1))  # models are loaded
    before = memory(studio.process.pid)
    largest = {"disk": 0.0, "memory": 0.0}

    async def run() -> tuple[Answers, list[float]]:
        end = time.monotonic() + 300

        async def watch() -> None:
            while time.monotonic() < end:
                largest["disk"] = max(largest["disk"], await asyncio.to_thread(disk, studio.folder) / 1e6)
                largest["memory"] = max(largest["memory"], memory(studio.process.pid))
                await asyncio.sleep(2)

        watching = asyncio.create_task(watch())
        found = await crowd(studio.address, requests=0, until=end)
        await watching
        return found

    answers, seconds = asyncio.run(run())
    seconds.sort()
    print(json.dumps({f"{kind} {status}": n for (kind, status), n in sorted(answers.items())}))
    print(f"{sum(answers.values())} requests; generate: median {seconds[len(seconds) // 2]:.1f} s,")
    print(f"95 % within {seconds[len(seconds) * 95 // 100]:.1f} s; memory before {before:.0f} MB,")
    print(f"at most {largest['memory']:.0f} MB; disk at most {largest['disk']:.0f} MB")
    check(studio, answers)
    assert largest["disk"] < 220
    assert studio.stop() == 0
