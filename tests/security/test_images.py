"""Code from elsewhere: no image that enters starts a program, whatever its name says it is."""

from __future__ import annotations

import io
import tarfile

import datasets
import pytest
from PIL import EpsImagePlugin, Image
from typer.testing import CliRunner

from zoo.cli import app
from zoo.data.decode import ImageError, open_image
from zoo.report.embed import embedded_file
from zoo.studio.work import restyled
from zoo_registry import ZooError
from zoo_registry.contracts import Record

EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 8 8
%%EndComments
showpage
%%EOF
"""


@pytest.fixture
def ghostscript(tmp_path, monkeypatch):
    """A `gs` on PATH; returns the file that it writes when anybody starts it."""
    started = tmp_path / "started"
    program = tmp_path / "bin/gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho 10.0\necho started >> {started}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)  # Pillow looks for it once a process
    return started


@pytest.fixture
def bird(tmp_path):
    """An image's file that holds EPS."""
    file = tmp_path / "set/bird.png"
    file.parent.mkdir()
    file.write_bytes(EPS)
    return file


def test_this_gs_would_be_started(ghostscript, bird):
    with Image.open(bird) as image, pytest.raises(OSError, match="cannot identify"):
        image.load()
    assert ghostscript.exists()


@pytest.mark.parametrize("image", [lambda file: file, lambda _: lambda: EPS], ids=["file", "bytes"])
def test_images_of_records(ghostscript, bird, image):
    with pytest.raises(ImageError, match="not an image in a format that is read: BMP, GIF, JPEG"):
        open_image(Record("bird", image(bird), ("a bird",)))
    assert not ghostscript.exists()


def shards(bird):
    shard = bird.parent / "birds.tar"
    with tarfile.open(shard, "w") as file:
        for name, data in (("0.png", EPS), ("0.txt", b"a bird")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return f"webdataset:{shard}"


def table(bird):
    features = datasets.Features(image=datasets.Image(decode=False), text=datasets.Value("string"))
    rows = {"image": [{"bytes": EPS, "path": None}], "text": ["a bird"]}
    datasets.Dataset.from_dict(rows, features).to_parquet(bird.parent / "train.parquet")
    bird.unlink()
    return f"hf:{bird.parent}"


def folder(bird):
    (bird.parent / "metadata.jsonl").write_text('{"file_name": "bird.png", "text": "a bird"}\n')
    return f"folder:{bird.parent}"


@pytest.mark.parametrize("source", [folder, shards, table])
@pytest.mark.parametrize("command", ["check", "info"])
def test_data_sets(ghostscript, bird, source, command):
    found = CliRunner().invoke(app, ["data", command, source(bird)])
    assert not ghostscript.exists()
    assert ("not an image" in found.output) == (command == "check"), found.output


def test_uploads(ghostscript, bird):
    with pytest.raises(ZooError, match="the image cannot be used: not an image"):
        restyled(None, str(bird), "a bird")
    assert not ghostscript.exists()


def test_restyle(ghostscript, bird, tmp_path):
    out = tmp_path / "out.png"
    found = CliRunner().invoke(app, ["restyle", "garden", str(bird), "a flower", "--out", str(out)])
    assert isinstance(found.exception, ImageError)
    assert not ghostscript.exists()
    assert not out.exists()


def test_images_of_runs(ghostscript, bird):
    with pytest.raises(ZooError, match="cannot be read as an image"):
        embedded_file(bird)
    assert not ghostscript.exists()
