"""What the documents say is what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from zoo.scaffold import new_plugin
from zoo_registry import KINDS, Recipe, catalogue, hookspecs

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests/plugin_sample/src/zoo_plugin_sample"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), flags=re.DOTALL)


def test_the_part_in_the_readme_is_the_sample_plugins() -> None:
    shown = next(block for block in blocks(ROOT / "README.md", "python") if "class Squeeze" in block)
    assert shown.strip() in (SAMPLE / "squeeze.py").read_text()


def test_the_plugin_in_the_docs_is_the_sample_plugin() -> None:
    shown = blocks(ROOT / "docs/plugins.md", "python")[0]
    assert shown.strip() in (SAMPLE / "__init__.py").read_text()


def test_a_part_of_every_kind_is_what_new_plugin_writes(tmp_path: Path) -> None:
    """Those files are run by tests/scaffold. Stale? python docs/generate.py."""
    shown = blocks(ROOT / "docs/plugins.md", "python")
    for kind in KINDS:
        folder = new_plugin("mosaic", kind, tmp_path / kind, catalogue())
        assert (folder / f"src/mosaic/{kind}.py").read_text() in shown, kind


def test_every_hook_is_documented_with_its_arguments() -> None:
    text = (ROOT / "docs/plugins.md").read_text()
    for name, function in vars(hookspecs).items():
        if name.startswith("zoo_"):
            arguments = ", ".join(function.__code__.co_varnames[: function.__code__.co_argcount])
            assert f"`{name}({arguments})`" in text


def test_the_table_of_parts_is_generated() -> None:
    written = subprocess.run(
        [sys.executable, ROOT / "docs/generate.py", "--print"], capture_output=True, text=True, check=True
    ).stdout
    assert (ROOT / "docs/parts.md").read_text(encoding="utf-8") == written, "python docs/generate.py"


def test_the_figure_of_imports_is_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.syspath_prepend(ROOT / "docs")
    from pages.arrows import arrows, figure

    assert (ROOT / "docs/images/arrows.svg").read_text(encoding="utf-8") == figure(), (
        "python docs/generate.py"
    )
    roots = {tuple(re.split("[.:]", name)[0] for name in pair) for pair in arrows()}
    assert {pair for pair in roots if len(set(pair)) > 1} == {
        ("zoo", "zoo_registry"),
        ("zoo_plugins", "zoo_registry"),
    }


def test_the_figure_of_walks_is_generated_and_enters_no_room_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs")
    from pages.walks import WALKS, figure, rooms

    for walk in WALKS.values():
        assert len(set(rooms(walk))) == len(rooms(walk))
    assert (ROOT / "docs/images/walks.svg").read_text(encoding="utf-8") == figure(), "python docs/generate.py"


def test_every_recipe_is_documented() -> None:
    text = (ROOT / "docs/recipes.md").read_text()
    for name in catalogue().recipe_names():
        assert f"`{name}`" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_recipes_in_the_docs_can_be_built(page: Path) -> None:
    for block in blocks(page, "toml"):
        Recipe.read(tomllib.loads(block), catalogue())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_commands_in_the_docs_exist() -> None:
    from typer.main import get_command

    from zoo.cli import app

    known = set(get_command(app).commands)
    for page in PAGES:
        for block in blocks(page, "sh"):
            for verb in re.findall(r"^zoo (\w[\w-]*)", block, flags=re.MULTILINE):
                assert verb in known, f"{page.name}: zoo {verb}"


@pytest.mark.parametrize("file", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda file: file.name)
def test_workflows_and_issue_forms_are_yaml(file: Path) -> None:
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    if file.parent.name == "workflows":
        assert all(job["steps"] for job in found["jobs"].values())
    elif file.stem != "config":
        assert found["name"]
        assert all(entry["type"] in ("textarea", "input") for entry in found["body"])


def test_the_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
