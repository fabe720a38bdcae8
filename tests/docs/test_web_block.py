"""The first page's block is left out, and the build goes on, where the runtime cannot be had."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.setattr(sys, "path", [str(ROOT / "docs"), *sys.path])
    from pages import web  # type: ignore[import-not-found]

    web.exported.cache_clear()
    yield web
    web.exported.cache_clear()


def test_without_npm_a_note_stands_in_its_place(
    web: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WEB_RUNTIME", raising=False)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    page = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    assert page.count(web.MARK) == 1
    page = web.embedded(page)
    assert "<iframe" not in page
    assert "npm is not installed" in page
    web.copy(tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_where_it_was_written_it_is_copied_into_the_site(
    web: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page/index.html").write_text("here")
    monkeypatch.setattr(web, "write_web", lambda models, out, *, runtime: tmp_path / "page")
    assert f'src="{web.FOLDER}/index.html?embed"' in web.embedded(web.MARK)
    web.copy(tmp_path / "site")
    assert (tmp_path / "site" / web.FOLDER / "index.html").read_text() == "here"
