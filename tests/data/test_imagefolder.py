import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_plugins.datasets.readers.imagefolder import ImageFolder
from zoo_plugins.datasets.readers.metadata import Row, RowError, read_csv, read_jsonl
from zoo_registry import catalogue
from zoo_registry.contracts import DataSource
from zoo_registry.testing import check_component


def read(folder):
    return ImageFolder(DataSource(str(folder)))


def jsonl(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_contract(tmp_path, write, image):
    image("a.jpg")
    write("metadata.jsonl", jsonl({"file_name": "a.jpg", "text": "an a"}))
    check_component(catalogue().get("dataset", "folder"), folder=tmp_path)


def test_own_images_without_splits_are_all_for_training(tmp_path, write, image):
    image("b.png")
    image("sub/a.jpg")
    write(
        "metadata.jsonl",
        jsonl({"file_name": "b.png", "text": "a  b "}, {"file_name": "./sub/a.jpg", "text": "an a"}),
    )
    dataset = read(tmp_path)
    assert ImageFolder.recognises(tmp_path)
    assert not ImageFolder.recognises(tmp_path / "sub")
    assert dataset.problems() == ()
    assert dataset.splits() == ("train",)
    assert [(r.name, r.captions, r.label) for r in dataset.records("train")] == [
        ("b", ("a b",), None),
        ("sub/a", ("an a",), None),
    ]


def test_splits_each_with_their_metadata(tmp_path, write, image):
    for split in ("train", "validation", "test"):
        image(f"{split}/{split}.png")
        write(f"{split}/metadata.csv", f"file_name,caption,class\n{split}.png,for {split},c{split}\n")
    dataset = read(tmp_path)
    assert dataset.problems() == ()
    assert dataset.splits() == ("train", "validation", "test")
    (record,) = dataset.records("test")
    assert (record.name, record.captions, record.label) == ("test", ("for test",), "ctest")
    assert record.image == tmp_path / "test/test.png"


def test_names_stay_unique_where_splits_share_them(tmp_path, write, image):
    for split in ("train", "test"):
        image(f"{split}/0.png")
    write("metadata.jsonl", jsonl(*({"file_name": f"{s}/0.png", "text": s} for s in ("train", "test"))))
    dataset = read(tmp_path)
    assert [record.name for record in dataset.records("train")] == ["train/0"]
    assert [record.name for record in dataset.records("test")] == ["test/0"]


def test_all_caption_columns_count_and_rows_add_up(tmp_path, write, image):
    image("a.png")
    rows = (
        {
            "file_name": "a.png",
            "text": "second",
            "captions": ["first", "second"],
            "label": 3,
            "attributes": {"k": "v"},
            "stated": [["k"], []],
        },
        {"file_name": "a.png", "captions": ["third", "first"], "stated": [["l", "k"], []]},
    )
    write("metadata.jsonl", jsonl(*rows))
    (record,) = read(tmp_path).records("train")
    assert record.captions == ("first", "second", "third")
    assert record.label == "3"
    assert record.attributes == {"k": "v"}
    assert record.stated == ({"k"}, set(), {"k", "l"})


def test_csv_cells_with_lists_and_commas(tmp_path, write, image):
    image("a.png")
    image("b.png")
    file = io.StringIO()
    csv.writer(file).writerows(
        [
            ("file_name", "text", "attributes", "stated"),
            ("a.png", json.dumps(["one, two", "three"]), '{"wing": "red"}', '[["wing"], []]'),
            ("b.png", "[sic] a bird", "", ""),
        ]
    )
    write("metadata.csv", b"\xef\xbb\xbf" + file.getvalue().encode())
    first, second = read(tmp_path).records("train")
    assert first.captions == ("one, two", "three")
    assert first.attributes == {"wing": "red"}
    assert first.stated == ({"wing"}, set())
    assert second.stated is None
    assert second.captions == ("[sic] a bird",)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"file_name": "a.png", ', "not JSON"),
        ('["a.png"]', "not an object"),
        ('{"text": "no file"}', "no file_name"),
        ('{"file_name": "../a.png", "text": "x"}', "leads out of the folder"),
        ('{"file_name": "x/../../a.png", "text": "x"}', "leads out of the folder"),
        ('{"file_name": "/etc/a.png", "text": "x"}', "leads out of the folder"),
        ('{"file_name": "C:\\\\a.png", "text": "x"}', "leads out of the folder"),
        ('{"file_name": "gone.png", "text": "x"}', "there is no image gone.png"),
        ('{"file_name": "a.png"}', "no caption for a.png"),
        ('{"file_name": "a.png", "captions": ["", " "]}', "no caption for a.png"),
        ('{"file_name": "a.png", "captions": ["x", 3]}', "captions holds 3"),
        ('{"file_name": "a.png", "text": "x", "attributes": ["k"]}', "attributes is not an object of texts"),
        ('{"file_name": "a.png", "text": "x", "stated": ["k"]}', "stated is not a list"),
        ('{"file_name": "a.png", "text": "x", "stated": [[], ["k"]]}', "2 lists for 1 captions"),
        ('{"file_name": "a.png", "text": "x", "class": ["k"]}', "neither text nor a number"),
        (b'{"file_name": "a.png", "text": "\xe9"}', "not UTF-8"),
        ('{"file_name": "a.png", "text": "\\ud800"}', "not UTF-8"),
    ],
)
def test_broken_line_is_reported_by_its_number(tmp_path, write, image, line, told):
    image("a.png")
    image("good.png")
    line = line.encode() if isinstance(line, str) else line
    write("metadata.jsonl", b'{"file_name": "good.png", "text": "good"}\n\n' + line + b"\n")
    dataset = read(tmp_path)
    (found,) = [problem for problem in dataset.problems() if problem.file == "metadata.jsonl"]
    assert found.what.startswith("line 3: ")
    assert told in found.what
    assert [record.name for record in dataset.records("train")] == ["good"]


def test_broken_csv(tmp_path, write, image):
    image("a.png")
    write("metadata.csv", "name,text\na.png,x\n")
    assert "expected file_name and one of" in read(tmp_path).problems()[0].what
    write("metadata.csv", b"file_name,text\na.png,bl\xe9\n")
    assert "line 2: text is not UTF-8" in read(tmp_path).problems()[0].what


def test_image_that_no_line_names(tmp_path, write, image):
    image("a.png")
    image("b.png")
    write("metadata.jsonl", jsonl({"file_name": "a.png", "text": "x"}))
    (problem,) = read(tmp_path).problems()
    assert problem.file == "b.png"
    assert "without captions" in problem.what


def test_two_images_of_one_name(tmp_path, write, image):
    image("a.png")
    image("a.jpg")
    write("metadata.jsonl", jsonl(*({"file_name": f"a.{end}", "text": end} for end in ("png", "jpg"))))
    dataset = read(tmp_path)
    assert [record.captions for record in dataset.records("train")] == [("png",)]
    assert [problem.file for problem in dataset.problems()] == ["a.jpg"]


def test_folder_without_metadata(tmp_path):
    assert "missing" in read(tmp_path).problems()[0].what
    assert read(tmp_path).splits() == ()


json_rows = st.dictionaries(
    st.sampled_from(["file_name", "text", "captions", "caption", "class", "attributes", "stated"]),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
)


@settings(deadline=None)
@given(st.binary() | st.lists(json_rows).map(lambda rows: jsonl(*rows).encode()))
def test_any_jsonl_is_rows_or_bugs(data):
    assert_usable(read_jsonl(data))


@settings(deadline=None)
@given(st.sampled_from([b"", b"file_name,text,attributes\r\n"]), st.binary())
def test_any_csv_is_rows_or_bugs(header, data):
    assert_usable(read_csv(header + data))


def assert_usable(rows):
    for number, row in rows:
        assert number >= 1
        if isinstance(row, RowError):
            assert str(row).encode()
        else:
            assert isinstance(row, Row)
            texts = [row.file, row.label or "", *row.captions, *row.attributes, *row.attributes.values()]
            assert all(isinstance(text, str) and text.encode() is not None for text in texts)
            assert all(row.captions)
