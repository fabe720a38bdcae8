"""What MkDocs calls while it builds the site: adds generated pages, and follows links that leave docs/."""

from __future__ import annotations

import re
import sys
from pathlib import Path, PurePosixPath
from posixpath import relpath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
sys.path[:0] = [str(ROOT), str(DOCS)]

from pages import pages, parts, web  # noqa: E402 - found through the line above

from zoo_registry import KINDS, catalogue  # noqa: E402

_LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")
_NAME = re.compile(r"`([\w-]+)`")
_LANGUAGES = {".py": "python", ".toml": "toml", ".json": "json"}


def on_config(config: Any) -> Any:
    """Put the generated pages into the navigation, in place of "recipes/" and "parts/"."""
    recipes = [{name: f"recipes/{name}.md"} for name in catalogue().recipe_names()]
    kinds = [
        {parts.title(kind): [{c.name: parts.path(c)} for c in catalogue().of(kind)]} for kind in parts.PAGED
    ]
    config.nav = _filled(config.nav, {"recipes/": recipes, "parts/": kinds})
    return config


def _filled(nav: list[Any], found: dict[str, list[Any]]) -> list[Any]:
    filled: list[Any] = []
    for entry in nav:
        if isinstance(entry, dict):
            filled.append({k: _filled(v, found) if isinstance(v, list) else v for k, v in entry.items()})
        else:
            filled += found.get(entry, [entry])
    return filled


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages, and what written pages link to elsewhere in the repository."""
    written = [file for file in files.documentation_pages() if file.src_uri.endswith(".md")]
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    queue = [(DOCS / file.src_uri, file.content_string) for file in written]
    while queue:
        page, text = queue.pop()
        for link, _ in _LINK.findall(text):
            target = (page.parent / link).resolve()
            uri = _uri(target)
            if target.is_relative_to(DOCS) or uri in files.src_uris:
                continue
            files.append(File.generated(config, uri, content=_copied(target)))
            if target.suffix == ".md":
                queue.append((target, target.read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Follow links that leave docs/ to the copies; link names in the tables of parts and recipes."""
    uri = page.file.src_uri
    real = ROOT / uri.removeprefix("files/") if uri.startswith("files/") else DOCS / uri

    def followed(match: re.Match[str]) -> str:
        target = (real.parent / match[1]).resolve()
        if real.is_relative_to(DOCS) and target.is_relative_to(DOCS):
            return match[0]
        return f"]({relpath(_uri(target), str(PurePosixPath(uri).parent))}{match[2] or ''})"

    if uri == "parts.md":
        return _linked_parts(_LINK.sub(followed, markdown))
    if uri == "index.md":
        markdown = web.embedded(markdown)
    if uri == "recipes.md":
        return _linked_recipes(_LINK.sub(followed, markdown))
    return _LINK.sub(followed, markdown)


def on_post_build(config: Any) -> None:
    """Add the page that generates in the visitor's browser."""
    web.copy(Path(config.site_dir))


def _uri(target: Path) -> str:
    """Where the site has a file or a folder of the repository."""
    if target.is_relative_to(DOCS):
        return target.relative_to(DOCS).as_posix()
    name = target.relative_to(ROOT).as_posix()
    return f"files/{name}" if target.suffix in (".md", ".json") else f"files/{name}.md"


def _copied(target: Path) -> str:
    """A file of the repository, or all those in a folder, as a page."""
    if target.suffix in (".md", ".json"):
        return target.read_text(encoding="utf-8")
    lines = ["---", "search:", "  exclude: true", "---", f"# `{target.relative_to(ROOT).as_posix()}`"]
    for file in sorted(f for f in target.rglob("*") if f.is_file()) if target.is_dir() else [target]:
        if file.suffix in _LANGUAGES:
            if target.is_dir():
                lines.append(f"## `{file.relative_to(target).as_posix()}`")
            lines += [f"````{_LANGUAGES[file.suffix]}", file.read_text(encoding="utf-8").rstrip(), "````"]
    return "\n".join(lines) + "\n"


def _linked_parts(markdown: str) -> str:
    kinds = {parts.title(kind): kind for kind in KINDS}
    kind, lines = "", []
    for line in markdown.splitlines():
        if line.startswith("## "):
            kind = kinds.get(line.removeprefix("## "), "")
        if line.startswith("| `") and kind:
            place = r"protocols.md#\1" if kind == "protocol" else rf"parts/{kind}/\1.md"
            line = _NAME.sub(rf"[`\1`]({place})", line, count=1)
        lines.append(line)
    return "\n".join(lines)


def _linked_recipes(markdown: str) -> str:
    def linked(match: re.Match[str]) -> str:
        known = match[1] in catalogue().recipe_names()
        return f"[{match[0]}](recipes/{match[1]}.md)" if known else match[0]

    lines = markdown.splitlines()
    return "\n".join(_NAME.sub(linked, line) if line.startswith("| `") else line for line in lines)
