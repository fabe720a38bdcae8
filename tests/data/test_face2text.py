import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.data.check import check
from zoo_plugins.datasets.readers.face2text import Face2TextFolder
from zoo_registry import catalogue
from zoo_registry.contracts import DataSource, Problem
from zoo_registry.testing import check_component

CLEAN = "Face2Text/face2text_v0.1/clean.json"
RAW = "Face2Text/face2text_v0.1/raw.json"
ANT = "Adam_Ant/Adam_Ant_0001"
BEE = "Bea_Bee/Bea_Bee_0002"


def row(number, image, *texts):
    descriptions = [{"desc_id": 900 + place, "text": text} for place, text in enumerate(texts)]
    return {"img_id": number, "image": image, "descriptions": descriptions}


ROWS = [
    row(198, f"{ANT}.bmp", "big face yellow hair,\n\nbig ears long nose", "A man."),
    row(7, f"{BEE}.bmp", "A woman smiling"),
]


@pytest.fixture
def faces(tmp_path, write, image):
    """Face2Text 0.1 and lfw.tgz as published, where T2F has them; one face of LFW is not described."""
    for name in (ANT, BEE, "Carl_Cat/Carl_Cat_0001"):
        image(f"lfw/{name}.jpg")
    write("Face2Text/face2text_v0.1/readme.txt", "Face2Text data readme\n")
    write(CLEAN, json.dumps(ROWS, indent=4))
    write(RAW, json.dumps([row(198, f"{ANT}.bmp", "raw "), row(7, f"{BEE}.bmp", " \r\n", "adfd")]))
    return tmp_path


def test_contract(faces):
    check_component(catalogue().get("dataset", "face2text"), folder=faces)


def read(folder):
    return Face2TextFolder(DataSource(str(folder)))


def test_published_layout(faces):
    dataset = read(faces)
    assert Face2TextFolder.recognises(faces)
    assert check(dataset) == []
    assert dataset.splits() == ("train",)
    assert dataset.fingerprint() is None
    first, second = dataset.records("train")
    assert (first.name, first.image, first.label) == (ANT, faces / f"lfw/{ANT}.jpg", None)
    assert first.captions == ("big face yellow hair, big ears long nose", "A man.")
    assert second.captions == ("A woman smiling",)


@pytest.mark.parametrize("faces_in", ["lfw_funneled", "lfw-deepfunneled", "elsewhere/faces"])
@pytest.mark.parametrize("texts_in", ["", "face2text_v0.1/"])
def test_other_places(faces, faces_in, texts_in):
    (faces / faces_in).parent.mkdir(exist_ok=True)
    (faces / "lfw").rename(faces / faces_in)
    (faces / texts_in).mkdir(exist_ok=True)
    (faces / CLEAN).rename(faces / texts_in / "clean.json")
    assert Face2TextFolder.recognises(faces)
    assert check(read(faces)) == []
    assert read(faces).records("train")[1].image == faces / faces_in / f"{BEE}.jpg"


def test_images_in_one_flat_folder(faces):
    for name in (ANT, BEE):
        (faces / f"lfw/{name}.jpg").rename(faces / f"lfw/{name.partition('/')[2]}.jpg")
    assert [record.name for record in read(faces).records("train")] == [ANT, BEE]


def test_raw_where_there_is_no_clean(faces):
    (faces / CLEAN).unlink()
    dataset = read(faces)
    assert [record.captions for record in dataset.records("train")] == [("raw",), ("adfd",)]
    assert dataset.problems() == (Problem(RAW, f"[1], '{BEE}.bmp': description 900 is empty"),)


def test_missing_descriptions(faces):
    for file in (CLEAN, RAW):
        (faces / file).unlink()
    assert not Face2TextFolder.recognises(faces)
    assert "missing" in read(faces).problems()[0].what
    assert read(faces).splits() == ()


def test_missing_faces(faces, tmp_path_factory):
    (faces / "lfw").rename(tmp_path_factory.mktemp("away") / "lfw")
    assert not Face2TextFolder.recognises(faces)
    assert read(faces).problems() == (Problem("lfw", "missing; it holds the images, lfw/NAME/NAME_0001.jpg"),)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row(1, "Dan_Dog/Dan_Dog_0001.bmp", "a dog")], "lfw/Dan_Dog/Dan_Dog_0001.jpg is missing"),
        ([row(1, "../Dan_Dog_0001.bmp", "a dog")], "[2]: '../Dan_Dog_0001.bmp' leads out of the folder"),
        ([row(1, f"{ANT}.bmp", "again")], f"[2]: {ANT}.bmp is described before"),
        ([row(1, "Carl_Cat/Carl_Cat_0001.bmp")], "image without descriptions: Carl_Cat/Carl_Cat_0001.bmp"),
        ([row(1, "Carl_Cat/Carl_Cat_0001.bmp", "x", 3)], "description 901: 3 is not text"),
        ([row(1, "Carl_Cat/Carl_Cat_0001.bmp", "x", "\ud800")], "is not UTF-8"),
        ([row(1, "Carl_Cat/Carl_Cat_0001.bmp", "x", "")], "description 901 is empty"),
        (
            [{"image": "Carl_Cat/Carl_Cat_0001.bmp"}],
            "[2]: expected a text, image, and a list, descriptions",
        ),
        ([["x"]], "[2]: expected a text, image"),
    ],
)
def test_broken_entry(faces, write, rows, told):
    write(CLEAN, json.dumps(ROWS + rows))
    dataset = read(faces)
    assert all(problem.file == CLEAN for problem in dataset.problems())
    assert any(told in problem.what for problem in dataset.problems())
    assert [record.captions for record in dataset.records("train")][:2] == [
        ("big face yellow hair, big ears long nose", "A man."),
        ("A woman smiling",),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"[{", "not JSON"),
        (b'["\xe9"]', "not UTF-8"),
        (b"{}", "expected a list of objects with image"),
        (b"null", "expected a list"),
    ],
)
def test_damaged_descriptions(faces, write, content, told):
    write(CLEAN, content)
    (problem,) = read(faces).problems()
    assert problem.file == CLEAN
    assert told in problem.what
    assert read(faces).splits() == ()


def test_empty_image(faces, write):
    write(f"lfw/{ANT}.jpg", b"")
    assert check(read(faces)) == [Problem(f"lfw/{ANT}.jpg", "the file is empty")]


things = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=4) | st.sampled_from([f"{ANT}.bmp", "../x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["image", "descriptions", "text", "desc_id"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=30) | things.map(lambda data: json.dumps(data).encode()))
def test_anything_becomes_records_or_problems(faces, write, content):
    write(CLEAN, content)
    dataset = read(faces)
    assert dataset.problems() or dataset.splits() or content.strip() == b"[]"
    assert all(record.captions for split in dataset.splits() for record in dataset.records(split))
    assert "".join(problem.what for problem in dataset.problems()).encode() is not None
