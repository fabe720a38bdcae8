import io
import json
import pickle
import sys
import tarfile
from pathlib import Path

import pytest
import webdataset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from zoo.data.cache import content, open_cache
from zoo.data.decode import record_image
from zoo_plugins.datasets.readers.webdataset_shards import WebDatasetShards
from zoo_registry import catalogue
from zoo_registry.contracts import DataSource, Problem
from zoo_registry.errors import ZooError
from zoo_registry.testing import check_component

COLOURS = ("red", "lime", "blue", "white")


def encoded(colour, kind="PNG"):
    file = io.BytesIO()
    Image.new("RGB", (20, 16), colour).save(file, kind)
    return file.getvalue()


@pytest.fixture
def shards(tmp_path):
    """Two shards to train and one to test, written by the library itself, in the forms that people use."""
    (tmp_path / "s").mkdir()
    samples = [
        {"__key__": "000", "jpg": encoded("red", "JPEG"), "txt": "a red  wall\nred again\n"},
        {
            "__key__": "nested/001",
            "png": encoded("lime"),
            "json": {"captions": ["a green wall"], "class": "wall"},
        },
        {"__key__": "002", "png": encoded("blue"), "txt": "blue", "json": {"caption": "blue"}, "cls": 3},
        {
            "__key__": "003",
            "png": encoded("white"),
            "txt": "white",
            "json": {"width": 20},
            "npy": b"\x93NUMPY",
        },
    ]
    for name, some in {"train-000": samples[:2], "train-001": samples[2:3], "val-000": samples[3:]}.items():
        with webdataset.TarWriter(str(tmp_path / f"s/birds-{name}.tar")) as writer:
            for sample in some:
                writer.write(sample)
    return tmp_path / "s"


@pytest.fixture
def shard(tmp_path):
    """Write a shard from (name, bytes) pairs and whole TarInfo."""

    def write(*members, file="x.tar", mode="w"):
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        with tarfile.open(path, mode) as tar:
            for member in members:
                if isinstance(member, tarfile.TarInfo):
                    tar.addfile(member)
                else:
                    info = tarfile.TarInfo(member[0])
                    info.size = len(member[1])
                    tar.addfile(info, io.BytesIO(member[1]))
        return path

    return write


def read(argument):
    return WebDatasetShards(DataSource(str(argument)))


def told(argument):
    return [problem.what for problem in read(argument).problems()]


def test_contract(shards):
    check_component(catalogue().get("dataset", "webdataset"), folder=shards)


def names(dataset, split="train"):
    return [record.name for record in dataset.records(split)]


def test_what_the_library_writes(shards):
    dataset = read(f"{shards}/birds-{{train-{{000..001}},val-000}}.tar")
    assert dataset.problems() == ()
    assert dataset.splits() == ("train", "validation")
    assert [(r.name, r.captions, r.label) for r in dataset.records("train")] == [
        ("birds-train-000/000", ("a red wall", "red again"), None),
        ("birds-train-000/nested/001", ("a green wall",), "wall"),
        ("birds-train-001/002", ("blue",), "3"),
    ]
    (record,) = dataset.records("validation")
    assert (record.name, record.captions) == ("birds-val-000/003", ("white",))


def test_images_are_read_in_any_order(shards):
    records = [r for split in ("validation", "train") for r in read(shards).records(split)]
    seen = [record_image(record).convert("RGB").getpixel((3, 3)) for record in reversed(records)]
    assert seen[:2] == [(0, 0, 255), (0, 255, 0)]
    assert seen[2][0] > 250 > 10 > seen[2][1]  # JPEG's red is near red
    assert seen[3] == (255, 255, 255)


def test_a_folder_of_shards(shards):
    assert WebDatasetShards.recognises(shards)
    assert WebDatasetShards.recognises(shards.parent)
    assert len(read(shards).records("train")) == 3
    assert names(read(shards.parent))[0] == "birds-train-000/000"


def test_one_shard_and_home(shards, monkeypatch):
    monkeypatch.setenv("HOME", str(shards))
    assert len(read("~/birds-train-000.tar").records("train")) == 2
    assert len(read("~/birds-train-{000..001}.tar").records("train")) == 3


@pytest.mark.parametrize(
    ("file", "split"),
    [
        ("x.tar", "train"),
        ("trainer.tar", "train"),
        ("contest-1.tar", "train"),
        ("x-test-1.tar", "test"),
        ("test/0.tar", "test"),
        ("test_of_mine/0.tar", "train"),
        ("dev/0.tar", "validation"),
        ("train/val_0.tar", "validation"),
    ],
)
def test_split_by_the_shards_name(shard, file, split):
    path = shard(("a.png", encoded("red")), ("a.txt", b"x"), file=f"data/{file}" if "/" not in file else file)
    assert read(path).splits() == (split,)


def test_keys_that_begin_anew_in_each_shard(shard):
    for file in ("a/0.tar", "a/1.tar"):
        shard(("0.png", encoded("red")), ("0.txt", b"x"), file=file)
    assert names(read(shard(("0.png", encoded("red")), ("0.txt", b"x"), file="a/2.tar").parent)) == [
        "0/0",
        "1/0",
        "2/0",
    ]


def test_members_that_a_tar_of_a_folder_has(shard):
    folder = tarfile.TarInfo("./b")
    folder.type = tarfile.DIRTYPE
    hidden = [("./b/._0.jpg", b"mac"), ("__info__.json", b"{}")]
    path = shard(
        folder, *hidden, ("./b/0.JPG", encoded("red", "JPEG")), ("./b/0.txt", b"x"), ("./b/0.seg.png", b"")
    )
    assert told(path) == []
    assert names(read(path)) == ["x/b/0"]


def test_cache_and_fingerprint_follow_the_images_alone(shards, shard, tmp_path):
    dataset = read(shards)
    records = dataset.records("train")
    cache = open_cache(records, content(records, dataset.fingerprint()), 8, tmp_path / "cache")
    assert cache[2][:, 0, 0].tolist() == [0, 0, 255]
    moved = shards.rename(tmp_path / "moved")
    assert read(moved).fingerprint() == dataset.fingerprint()
    one, two, three = (
        read(shard(("0.png", encoded(colour)), ("0.txt", text), file=f"{place}/x.tar")).fingerprint()
        for place, (colour, text) in enumerate((("red", b"x"), ("red", b"y"), ("blue", b"x")))
    )
    assert one == two != three


def test_record_travels_to_another_process(shards):
    record = pickle.loads(pickle.dumps(read(shards).records("train")[1]))
    assert record_image(record).convert("RGB").getpixel((0, 0)) == (0, 255, 0)


@pytest.mark.parametrize(
    ("members", "what"),
    [
        (
            [("a.png", encoded("red"))],
            "a.png: image without captions; expected a.txt or a caption in a.json",
        ),
        ([("a.txt", b"x")], "captions without an image; a.jpg is missing"),
        ([("a.png", b""), ("a.txt", b"x")], "a.png: the image is empty"),
        ([("a.png", b"x"), ("a.txt", b" \n")], "a.txt holds no caption; expected one per line"),
        ([("a.png", b"x"), ("a.txt", b"bl\xe9")], "a.txt is not UTF-8"),
        ([("a.png", b"x"), ("a.json", b"{")], "a.json: Expecting property name"),
        ([("a.png", b"x"), ("a.json", b"[3]")], "a.json: not an object with a caption"),
        ([("a.png", b"x"), ("a.json", b'{"caption": 3}')], "a.json: 3 is not text"),
        ([("a.png", b"x"), ("a.json", b'{"caption": "\\ud800"}')], "is not UTF-8"),
        (
            [("a.png", b"x"), ("a.json", b'{"caption": "x", "class": [1]}')],
            "the class [1] is neither text nor",
        ),
        ([("a.png", b"x"), ("a.txt", b"x"), ("a.jpg", b"y")], "a.jpg is a second image beside a.png"),
        ([("a.png", b"x"), ("a.txt", b"x" * (2**20 + 1))], "a.txt is longer than 1048576 bytes"),
    ],
)
def test_broken_sample(shard, members, what):
    good = [("good.png", encoded("red")), ("good.txt", b"good")]
    path = shard(*members, *good)
    problems = read(path).problems()
    assert all(problem.file == "x.tar" for problem in problems)
    assert any(what in problem.what for problem in problems)
    assert "x/good" in names(read(path))


def hostile(kind, name, link=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


@pytest.mark.parametrize(
    ("member", "what"),
    [
        (("../up.png", encoded("red")), "'../up.png' leads out of the shard"),
        (("/etc/up.png", encoded("red")), "leads out of the shard"),
        (("a/../../up.txt", b"x"), "leads out of the shard"),
        (("C:\\up.png", encoded("red")), "leads out of the shard"),
        (("b\udce9.png", encoded("red")), "is not UTF-8"),
        (hostile(tarfile.SYMTYPE, "b.png", "/etc/passwd"), "'b.png' is a link or no plain file"),
        (hostile(tarfile.LNKTYPE, "b.png", "good.png"), "'b.png' is a link or no plain file"),
        (hostile(tarfile.FIFOTYPE, "b.png"), "'b.png' is a link or no plain file"),
    ],
)
def test_hostile_member(shard, tmp_path, member, what):
    path = shard(member, ("good.png", encoded("red")), ("good.txt", b"good"))
    before = sorted(tmp_path.rglob("*"))
    (problem,) = read(path).problems()
    assert what in problem.what
    assert names(read(path)) == ["x/good"]
    assert sorted(tmp_path.rglob("*")) == before


def test_damaged_shards(shards, shard):
    whole = (shards / "birds-train-000.tar").read_bytes()
    with tarfile.open(shards / "birds-train-000.tar") as tar:
        second = next(member.offset for member in tar if "nested" in member.name)
        last = max(member.offset_data for member in tar)
    for data, what in (
        (whole[: second + 600], "damaged (empty header)"),
        (whole[: last + 9], "damaged (unexpected end of data)"),
        (whole[:second] + b"x" * 512 + whole[second + 512 :], "damaged (no header where one is due)"),
        (b"", "the file is empty"),
        (b"x" * 2000, "damaged ("),
    ):
        (shards / "birds-train-000.tar").write_bytes(data)
        dataset = read(shards)
        assert any(
            problem.file == "birds-train-000.tar" and what in problem.what for problem in dataset.problems()
        )
        assert "birds-train-001/002" in names(dataset)
        assert ("birds-train-000/000" in names(dataset)) == (len(data) > second)


def test_compressed_shard(shard):
    path = shard(("a.png", encoded("red")), mode="w:gz")
    assert read(path).problems() == (
        Problem("x.tar", "compressed, so that no image can be read alone; unpack it with gunzip to .tar"),
    )


def test_missing_shards(shards):
    assert read(f"{shards}/birds-train-{{000..002}}.tar").problems() == (
        Problem("birds-train-002.tar", f"missing; {shards}/birds-train-{{000..002}}.tar names it"),
    )


@pytest.mark.parametrize("argument", ["", "gone.tar", "gone-{0..3}.tar", "."])
def test_no_shard_at_all(argument, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZooError, match=r"there is no such shard; expected NAME\.tar"):
        read(argument)


def test_pattern_that_is_not_one(shards):
    with pytest.raises(ZooError, match=r"expected NAME-\{000\.\.009\}\.tar"):
        read(f"{shards}/birds-{{a,{{b}}.tar")


def test_pattern_without_the_library(shards, monkeypatch):
    monkeypatch.setitem(sys.modules, "braceexpand", None)
    with pytest.raises(ZooError, match=r"needs braceexpand; install it with: pip install 't2i-zoo\[data\]'"):
        read(f"{shards}/birds-{{0..1}}.tar")
    assert read(shards).records("train")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_becomes_records_or_problems(shard, data):
    row = json.dumps({"caption": "x"}).encode()
    path: Path = shard(
        ("a.png", encoded("red")), ("a.json", row), ("ü" * 70 + ".png", encoded("red")), ("b.txt", b"x")
    )
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=30))
    content[place : place + len(junk)] = junk
    path.write_bytes(content)
    dataset = read(path)
    for split in dataset.splits():
        for record in dataset.records(split):
            assert record.captions
            record.image.read()
    "".join(problem.what for problem in dataset.problems()).encode()
