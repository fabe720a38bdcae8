"""Inputs: text, tables, folders and shards as people have them. What is not read is reported or counted."""

from __future__ import annotations

import io
import json
import os
import struct
import tarfile

import pytest
from PIL import Image
from typer.testing import CliRunner

from zoo.cli import app
from zoo.data.check import check, info
from zoo_plugins.datasets.readers.coco import CocoFolder
from zoo_plugins.datasets.readers.cub import CubFolder
from zoo_plugins.datasets.readers.imagefolder import ImageFolder
from zoo_plugins.datasets.readers.images import PlainImageFolder
from zoo_plugins.datasets.readers.webdataset_shards import WebDatasetShards
from zoo_registry.contracts import DataSource
from zoo_registry.errors import ZooError


def captions(dataset, split="train"):
    return {record.name: record.captions for record in dataset.records(split)}


def folder(tmp_path):
    return ImageFolder(DataSource(str(tmp_path)))


def told(dataset):
    return "\n".join(f"{problem.file}: {problem.what}" for problem in check(dataset))


# ----------------------------------------------------------------------------------------------------
# Text


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-32"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_in_any_encoding_with_a_mark_and_with_any_line_ends(tmp_path, image, write, encoding, end):
    image("a.png")
    row = json.dumps({"file_name": "a.png", "text": "a cafe\u0301"}, ensure_ascii=False)
    write("metadata.jsonl", (row + end).encode(encoding))
    assert captions(folder(tmp_path)) == {"a": ("a caf\u00e9",)}
    (tmp_path / "metadata.jsonl").unlink()
    write("metadata.csv", f"file_name,text{end}a.png,a red bird{end}".encode(encoding))
    assert captions(folder(tmp_path)) == {"a": ("a red bird",)}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_captions_and_tables_of_cub_too(cub, encoding):
    for file in [*(cub / "text").rglob("*.txt"), cub / "images.txt", cub / "bounding_boxes.txt"]:
        if file.is_file():
            file.write_bytes(file.read_text().replace("\n", "\r\n").encode(encoding))
    dataset = CubFolder(DataSource(str(cub)))
    assert dataset.problems() == ()
    assert all(found[1] == "it has wings." for found in captions(dataset).values())


def test_a_folder_in_the_place_of_a_file(cub):
    (cub / "images.txt").unlink()
    (cub / "images.txt").mkdir()
    assert "images.txt: cannot be read: Is a directory" in told(CubFolder(DataSource(str(cub))))


def test_a_pipe_in_the_place_of_a_file(tmp_path, image):
    image("a.png")
    os.mkfifo(tmp_path / "metadata.jsonl")
    assert "metadata.jsonl: cannot be read: it is a pipe or a device" in told(folder(tmp_path))


@pytest.mark.parametrize("box", ["nan 0 5 5", "0 nan 5 5", "0 0 nan 5", "0 0 5 inf"])
def test_boxes_that_are_no_numbers(cub, box):
    lines = (cub / "bounding_boxes.txt").read_text().splitlines()
    (cub / "bounding_boxes.txt").write_text("\n".join([f"1 {box}", *lines[1:]]))
    dataset = CubFolder(DataSource(str(cub)))
    assert "is not x, y, width and height in pixels" in told(dataset)
    assert dataset.records("train")[0].box is None


# ----------------------------------------------------------------------------------------------------
# Tables


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (
            "file_name,text\na.png,red, on wood\n",
            "line 2: 3 cells for 2 columns; write a text that holds commas",
        ),
        ("file_name,captions\na.png,\"['red', 'a mug']\"\n", r"""no JSON; expected ["…", "…"]"""),
        ("file_name,says\na.png,red\n", "the columns are 'file_name', 'says'; expected file_name and one of"),
        ("", "the columns are none; expected file_name and one of"),
    ],
)
def test_tables_that_would_lose_text(tmp_path, image, write, table, problem):
    image("a.png")
    write("metadata.csv", table)
    assert problem in told(folder(tmp_path))


@pytest.mark.parametrize("column", ["captions", "text", "caption", "sentence", "description", "prompt"])
def test_captions_go_by_many_names(tmp_path, image, write, column):
    image("a.png")
    write("metadata.jsonl", json.dumps({"file_name": "a.png", column: "a red mug"}))
    assert captions(folder(tmp_path)) == {"a": ("a red mug",)}


def test_a_table_with_the_index_of_pandas(tmp_path, image, write):
    image("a.png")
    write("metadata.csv", ",file_name,text\n0,a.png,red\n1,a.png,blue, on wood\n")
    assert captions(folder(tmp_path)) == {"a": ("red",)}
    assert "line 3: 4 cells for 3 columns" in told(folder(tmp_path))


def test_sixty_thousand_rows_of_one_file(tmp_path, image, write):
    image("a.png")
    rows = [json.dumps({"file_name": "a.png", "text": f"caption {number}"}) for number in range(60_000)]
    write("metadata.jsonl", "\n".join(rows))
    assert len(captions(folder(tmp_path))["a"]) == 60_000


# ----------------------------------------------------------------------------------------------------
# Folders


def test_names_of_windows_and_of_macos(tmp_path, image, write):
    image("sub/cafe\u0301.png")
    image("sub/B.JPG")
    rows = [("sub\\\\caf\u00e9.png", "a cup"), ("sub/b.jpg", "a bowl")]
    write("metadata.jsonl", "\n".join(f'{{"file_name": "{file}", "text": "{text}"}}' for file, text in rows))
    dataset = folder(tmp_path)
    assert check(dataset) == []
    assert captions(dataset) == {"sub/caf\u00e9": ("a cup",), "sub/B": ("a bowl",)}


def test_links_are_followed_once_and_never_upwards(tmp_path, image, write):
    image("elsewhere/a.png")
    write("elsewhere/metadata.jsonl", '{"file_name": "a.png", "text": "x"}')
    (tmp_path / "elsewhere/again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/all").symlink_to("/")
    (tmp_path / "elsewhere/self").symlink_to("self")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/train").symlink_to(tmp_path / "elsewhere")
    dataset = ImageFolder(DataSource(str(tmp_path / "set")))
    assert captions(dataset) == {"a": ("x",)}
    assert check(dataset) == []


def test_metadata_in_folders_below(tmp_path, image, write):
    for name in ("mugs", "cups"):
        image(f"{name}/a.png")
        write(f"{name}/metadata.jsonl", f'{{"file_name": "a.png", "text": "{name}"}}')
    assert captions(folder(tmp_path)) == {"cups/a": ("cups",), "mugs/a": ("mugs",)}


@pytest.mark.parametrize("name", ["val", "valid", "validation", "dev"])
def test_a_folder_of_validation_is_not_trained_on(tmp_path, image, write, name):
    image("train/a.png")
    image(f"{name}/b.png")
    plain = PlainImageFolder(DataSource(str(tmp_path)))
    assert [len(plain.records(split)) for split in ("train", "validation")] == [1, 1]
    write(
        "metadata.jsonl",
        f'{{"file_name": "train/a.png", "text": "x"}}\n{{"file_name": "{name}/b.png", "text": "y"}}',
    )
    assert captions(folder(tmp_path), "validation") == {"b": ("y",)}


def test_an_image_may_be_called_as_a_split(tmp_path, image, write):
    image("train.png")
    image("dev/test.png")
    rows = [{"file_name": file, "text": "x"} for file in ("train.png", "dev/test.png")]
    write("metadata.jsonl", "\n".join(map(json.dumps, rows)))
    dataset = folder(tmp_path)
    assert [record.name for split in dataset.splits() for record in dataset.records(split)] == [
        "train",
        "test",
    ]


def test_what_is_passed_over_is_counted_and_said(tmp_path, image, write):
    image("a.png")
    image("b.jpg").rename(tmp_path / "b.jfif")
    write("README.md", "x")
    write(".DS_Store", "x")
    write("c.heic", "x")
    dataset = PlainImageFolder(DataSource(str(tmp_path)))
    assert dataset.passed_over() == {".md files": 1, "hidden files": 1}
    assert sorted(captions(dataset)) == ["a", "b"]
    assert told(dataset) == "c.heic: 1 files of the format .heic are not read, this one first; save as .png"
    assert info(dataset)["passed_over"] == dataset.passed_over()
    for command in ("check", "info"):
        out = CliRunner().invoke(app, ["data", command, f"images:{tmp_path}"]).output
        assert "passed over: 1 .md files, 1 hidden files" in out


def test_empty_sets_are_a_problem(tmp_path, write):
    write("metadata.jsonl", "")
    assert told(folder(tmp_path)).startswith(".: no image is there; expected images and metadata.jsonl")


def test_captions_without_spaces_are_said(tmp_path, image, write):
    for name, text in {"a": "红色的杯子在桌上", "b": "นกสีแดงตัวเล็ก"}.items():
        image(f"{name}/{name}.png")
        write(f"{name}/metadata.jsonl", json.dumps({"file_name": f"{name}.png", "text": text}))
    (note,) = info(folder(tmp_path))["notes"]
    assert note.startswith("2 of 2 captions hold no spaces between words")
    assert "hold no spaces" in CliRunner().invoke(app, ["data", "check", f"folder:{tmp_path}"]).output
    write("a/metadata.jsonl", '{"file_name": "a.png", "text": "a small red bird from 東京"}')
    write("b/metadata.jsonl", '{"file_name": "b.png", "text": "a naïve café"}')
    assert info(folder(tmp_path))["notes"] == []


# ----------------------------------------------------------------------------------------------------
# Shards


def png():
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    return file.getvalue()


def shard(path, members):
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return WebDatasetShards(DataSource(str(path)))


def test_keys_with_dots(tmp_path):
    dataset = shard(
        tmp_path / "a.tar", {f"22.0{i}.{e}": d for i in (1, 2) for e, d in (("png", png()), ("txt", b"a"))}
    )
    assert captions(dataset) == {"a/22.01": ("a",), "a/22.02": ("a",)}
    assert check(dataset) == []


def test_members_of_no_use_are_counted(tmp_path):
    members = {"a.png": png(), "a.txt": b"x", "a.mask.png": png(), "a.npy": b"x", "._a.png": b"x"}
    dataset = shard(tmp_path / "a.tar", members)
    assert dataset.passed_over() == {".mask.png members": 1, ".npy members": 1, "hidden members": 1}
    assert check(dataset) == []


def test_a_shard_cut_between_two_members(tmp_path):
    shard(tmp_path / "a.tar", {"a.png": png(), "a.txt": b"x", "b.png": png(), "b.txt": b"y"})
    with tarfile.open(tmp_path / "a.tar") as tar:
        third = tar.getmember("b.png").offset
    (tmp_path / "a.tar").write_bytes((tmp_path / "a.tar").read_bytes()[:third])
    assert "a.tar: cut off: the archive has no end" in told(
        WebDatasetShards(DataSource(str(tmp_path / "a.tar")))
    )


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"0"])
def test_headers_of_absurd_size(tmp_path, kind):
    header = bytearray(tarfile.TarInfo("a.png").tobuf())
    header[124:136] = b"\x80" + b"\0" * 3 + struct.pack(">Q", 1 << 60)  # the size, as GNU writes large ones
    header[156:157] = kind
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:512]))
    (tmp_path / "a.tar").write_bytes(bytes(header) + b"\0" * 2048)
    assert "a.tar: damaged" in told(WebDatasetShards(DataSource(str(tmp_path / "a.tar"))))


@pytest.mark.parametrize("pattern", ["{0..9999999999}.tar", "{0..9999}-{0..9999}.tar"])
def test_patterns_of_absurd_length(pattern):
    with pytest.raises(ZooError, match=r"names 1\d*,[\d,]+ shards; expected 100,000 or fewer"):
        WebDatasetShards(DataSource(pattern))


def test_names_of_published_sets_in_either_normal_form(tmp_path, image, write):
    image("train2014/cafe\u0301.jpg")
    found = {"images": [{"id": 1, "file_name": "caf\u00e9.jpg"}]}
    found["annotations"] = [{"image_id": 1, "caption": "x"}]
    write("annotations/captions_train2014.json", json.dumps(found, ensure_ascii=False).encode("utf-8-sig"))
    dataset = CocoFolder(DataSource(str(tmp_path)))
    assert captions(dataset) == {"train2014/caf\u00e9": ("x",)}
    assert not any("caf" in problem.file + problem.what for problem in check(dataset))
