"""The site is built without a warning, from what the code says, and asks no other host for anything."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from browsing import PHONE, WIDE, chromium, needs_chromium
from typer.main import get_command

from zoo.cli import app
from zoo_registry import KINDS, catalogue
from zoo_registry.schema import schema_of

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.xdist_group("site")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site, built once."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    return folder


def text(site: Path, page: str) -> str:
    """A page's text without its markup."""
    html = (site / page / "index.html").read_text(encoding="utf-8")
    body = html[html.index("<article") : html.index("</article>")]
    return unescape(re.sub(r"<[^>]+>", "", body))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "protocol"])
def test_every_part_has_a_page_with_its_settings(site: Path, kind: str) -> None:
    for component in catalogue().of(kind):
        page = text(site, f"parts/{kind}/{component.name}")
        assert component.summary in page
        assert component.paper in page
        for name in (*schema_of(component).settings.model_fields, *component.gives, *component.needs):
            assert name in page, f"{component.name}: {name}"


def test_a_part_s_page_tells_types_ranges_defaults_and_the_docstring(site: Path) -> None:
    html = (site / "parts/generator/attention-stages/index.html").read_text(encoding="utf-8")
    rows = [[unescape(re.sub(r"<[^>]+>", "", c)) for c in re.findall(r"<td.*?>(.*?)</td>", row, re.DOTALL)]
            for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)]  # fmt: skip
    assert ["base_channels", "integer from 1", "32", "K, channels at every stage's resolution."] in rows
    assert next(row for row in rows if row[:1] == ["images"])[:3] == ["images", '"all" or "largest"', '"all"']
    page = text(site, "parts/generator/attention-stages")
    assert "keeps each caption's padding out of its own attention" in page
    assert "words, given by bilstm" in page


def test_every_recipe_has_a_page_with_its_file_and_all_that_it_extends(site: Path) -> None:
    def lines(name: str) -> list[str]:
        return catalogue().recipe(name).read_text(encoding="utf-8").split("\n")

    for name in catalogue().recipe_names():
        page = text(site, f"recipes/{name}")
        while name:
            before = [line.split('"')[1] for line in lines(name) if line.startswith("extends")]
            assert all(line.rstrip() in page for line in lines(name)), name
            name = before[0] if before else ""


def test_a_recipe_s_page_has_images_results_and_what_differs(site: Path) -> None:
    html = (site / "recipes/attngan-aviary/index.html").read_text(encoding="utf-8")
    assert 'src="../../images/gallery/attngan-aviary-aviary.jpg"' in html
    page = text(site, "recipes/attngan-aviary")
    assert "kid-judge-2k@2[resolution=64]" in page
    assert "Its file says: With the authors' 2e-4 for both, the discriminators win" in page
    assert "As attngan-birds: the attention mask is in the right order" in page
    assert "bugs below" in text(site, "recipes/stackgan2-birds")


def test_every_shipped_model_is_shown_with_its_results(site: Path) -> None:
    html = (site / "models/index.html").read_text(encoding="utf-8")
    names = catalogue().pretrained_names()
    assert {"aviary", "garden", "portraits"} <= set(names)
    for name in names:
        assert f'src="../images/models/{name}.png"' in html
        assert (site / f"images/models/{name}.png").is_file()
    assert text(site, "models").count("mean ↑") == len(names)


def test_every_protocol_command_and_training_setting_is_there(site: Path) -> None:
    protocols, commands = text(site, "protocols"), text(site, "commands")
    for component in catalogue().of("protocol"):
        assert component.summary in protocols
        for setting, value in component.load().settings.items():
            assert setting in protocols
            assert str(value).strip("()") in protocols
    known = get_command(app).commands
    for name, command in known.items():
        for inner, one in getattr(command, "commands", {"": command}).items():
            assert f"zoo {name} {inner}".strip() in commands
            for parameter in one.params:
                assert (
                    parameter.name == "help" or parameter.opts[0] in commands or parameter.metavar in commands
                )
    training = text(site, "training")
    assert "ema_overwrites" in training
    assert "steps after which the live weights become their average each time" in training


def test_every_importer_is_in_the_page_of_old_checkpoints() -> None:
    page = (ROOT / "docs/checkpoints.md").read_text(encoding="utf-8")
    for component in catalogue().of("importer"):
        assert f"| `{component.name}` |" in page
        offered = {f"--{part.replace('_', '-')}" for part in component.load().parts} | {
            "--vocabulary",
            "--out",
        }
        for command in re.findall(rf"`(zoo import {component.name} [^`]+)`", page):
            assert set(re.findall(r"--[\w-]+", command)) <= offered, command


class Assets(HTMLParser):
    """What a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        fetched = tag in ("script", "img", "iframe", "source") or (
            tag == "link" and given.get("rel") in ("stylesheet", "icon", "preconnect", "preload")
        )
        address = given.get("src") or given.get("href")
        if fetched and address:
            self.found.append(address)


def test_nothing_is_fetched_from_other_hosts(site: Path) -> None:
    for page in site.rglob("*.html"):
        assets = Assets()
        assets.feed(page.read_text(encoding="utf-8"))
        for address in assets.found:
            assert not re.match(r"(\w+:)?//", address), f"{page}: {address}"
            if page.name != "404.html" and not address.startswith("data:"):
                assert (page.parent / address.partition("?")[0]).resolve().is_file(), f"{page}: {address}"
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import )[\"']?(https?:)?//", style.read_text(encoding="utf-8")), style


def test_the_search_knows_parts_and_recipes(site: Path) -> None:
    index = json.loads((site / "search/search_index.json").read_text(encoding="utf-8"))
    found = {entry["location"] for entry in index["docs"]}
    assert {"recipes/dm-gan-birds/", "parts/loss/damsm/", "protocols/#fid-test-5k"} <= found


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    """The site's address on a server of this process."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=site)
    ) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@needs_chromium
def test_pages_fit_a_phone_and_search_finds(served: str) -> None:
    faults: list[str] = []
    with chromium() as browser:
        page = browser.new_page(viewport=PHONE)
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda r: None if r.url.startswith((served, "data:", "blob:")) else faults.append(r.url),
        )
        for path in (
            "",
            "parts/generator/attention-stages/",
            "recipes/attngan-birds/",
            "gallery/",
            "commands/",
            "notebooks/first-image/",
            "models/",
        ):
            page.goto(f"{served}/{path}", timeout=60_000)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= PHONE["width"], f"{path} is {wide} wide"
            broken = "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
            assert page.evaluate(broken) == []
        page.set_viewport_size(WIDE)
        # Key by key: the theme reads the box when a key goes up, which `fill` does not tell.
        page.get_by_role("textbox", name="Search").press_sequentially("relativistic")
        page.locator(".md-search-result__item a", has_text="relativistic").first.wait_for(timeout=60_000)
    assert faults == []


@needs_chromium
def test_the_first_page_generates(site: Path, served: str) -> None:
    if not (site / "try").is_dir():
        assert "Left out of this build" in text(site, "")
        pytest.skip("needs onnxruntime-web, by npm or in the folder that WEB_RUNTIME names")
    faults: list[str] = []
    with chromium() as browser:
        page = browser.new_page(viewport=WIDE, color_scheme="light")
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(served, timeout=60_000)
        within = page.frame_locator("#try")
        within.locator("#generate").click(timeout=60_000)
        within.locator("#status", has_text="4 images in").wait_for(timeout=60_000)
        rest = "f => f.contentDocument.documentElement.scrollHeight - f.clientHeight"
        assert page.locator("#try").evaluate(rest) == 0, "it is as high as what it shows"
        ink = "body => getComputedStyle(body).color"
        light = within.locator("body").evaluate(ink)
        page.locator("label[title=Dark]").click()
        assert within.locator("body").evaluate(ink) != light, "it follows the site's switch"
    assert faults == []
