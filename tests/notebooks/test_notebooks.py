"""The notebooks of the documentation run from top to bottom, in a real kernel, and say what they should."""

from __future__ import annotations

import base64
import os
import sysconfig
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image
from tiny_pipeline import made

FOLDER = Path(__file__).parents[2] / "docs/notebooks"
NAMES = ("first-image", "write-a-generator", "your-own-folder")


def ran(notebook: Any, folder: Path) -> list[Any]:
    """The outputs of a notebook, cell by cell, all of them code; it stops at the first that fails."""
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]


def images(outputs: list[Any]) -> Iterator[Image.Image]:
    """The images that a cell shows."""
    for output in outputs:
        if "image/png" in output.get("data", {}):
            yield Image.open(BytesIO(base64.b64decode(output["data"]["image/png"])))


def printed(outputs: list[list[Any]]) -> str:
    return "".join(output.get("text", "") for cell in outputs for output in cell)


def test_there_are_no_others() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a few steps and images, which its first cell reads: what it generates is no good."""
    monkeypatch.setenv("STEPS", "4")
    monkeypatch.setenv("IMAGES", "80")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    # the cells' "!zoo" is this environment's, as where it was activated
    monkeypatch.setenv("PATH", os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]))
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code"), (
        "kept without outputs"
    )
    cells = ran(notebook, tmp_path)
    text = printed(cells)
    assert "Warning" not in text
    assert "error:" not in text
    shown = [image for cell in cells for image in images(cell)]
    if name == "first-image":
        assert [image.height > 60 for image in shown] == [True] * 4  # birds, generated, attention, on the way
    elif name == "your-own-folder":
        assert "there is no image train/lost.png" in text
        assert "not known: ('purple',)" in text
        assert "r-precision-3k@1[candidates=20, images=200, resolution=64]" in text
        assert len(shown) == 3
    else:
        assert "row 1 alone and in a batch" in text, "check_component names what the faulty part breaks"
        assert "'pattern'" in text
        assert "zoo-pattern-net/pyproject.toml" in text
        assert len(shown) == 1


def test_what_a_pipeline_generates_shows_itself(tmp_path: Path) -> None:
    pipe = made(text_encoder="bilstm", conditioning="augmentation", generator="attention-stages")
    pipe.save_pretrained(tmp_path / "model")
    red, blue = "the bird is red", "the bird is blue"
    lines = (
        'import zoo; pipe = zoo.load("model")',
        f'pipe("{red}", images=3)',
        f'pipe(["{red}", "{blue}"], images=4)',
        f'pipe.generate(["{red}", "{blue}"], images=3)',
        f'pipe("{red}", images=11)',
        f'pipe("{red}")[:0]',
        f'shown = pipe("{red}"); print(isinstance(shown, list), shown[0].size)',
    )
    cells = ran(new_notebook(cells=[new_code_cell(line) for line in lines]), tmp_path)
    resolution, gap = 128, 2  # small images are enlarged by whole pixels
    sizes = [[image.size for image in images(cell)] for cell in cells]
    assert sizes == [
        [],
        [grid(3, 1, resolution, gap)],
        [grid(4, 2, resolution, gap)],
        [grid(3, 2, resolution, gap)],
        [grid(8, 2, resolution, gap)],
        [],
        [],
    ]
    assert printed(cells) == "True (32, 32)\n"


def grid(columns: int, rows: int, resolution: int, gap: int) -> tuple[int, int]:
    return columns * (resolution + gap) - gap, rows * (resolution + gap) - gap
