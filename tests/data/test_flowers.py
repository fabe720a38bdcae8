import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from zoo.data.check import check
from zoo_plugins.datasets.readers.flowers import FlowersFolder
from zoo_registry import catalogue
from zoo_registry.contracts import DataSource, Problem
from zoo_registry.testing import check_component

CLASSES = {1: (1, 2), 2: (3,), 3: (4, 5), 4: (6,)}  # the images' numbers


def captions_of(label, number):
    return f"text_c10/class_{label:05}/image_{number:05}.txt"


@pytest.fixture
def flowers(tmp_path, write, image):
    """102flowers.tgz and cvpr2016_flowers as published, four classes of them."""
    for label, numbers in CLASSES.items():
        for number in numbers:
            image(f"jpg/image_{number:05}.jpg")
            write(captions_of(label, number), f"flower number {number}\nit has  petals. \n")
            write(captions_of(label, number).replace(".txt", ".h5"), b"\x89HDF")
    write("trainvalclasses.txt", "class_00001\nclass_00002\nclass_00003\n")
    write("trainclasses.txt", "class_00001\nclass_00002\n")
    write("valclasses.txt", "class_00003\n")
    write("testclasses.txt", "class_00004\n")
    sets = {"trnid": [1, 3], "valid": [5], "tstid": [2, 4, 6]}
    savemat(tmp_path / "setid.mat", {key: np.array([numbers], np.uint16) for key, numbers in sets.items()})
    savemat(tmp_path / "imagelabels.mat", {"labels": np.array([[1, 1, 2, 3, 3, 4]], np.uint8)})
    return tmp_path


def without_lists(folder):
    for file in folder.glob("*classes.txt"):
        file.unlink()


def read(folder):
    return FlowersFolder(DataSource(str(folder)))


def problems(folder):
    return {problem.file: problem.what for problem in read(folder).problems()}


def test_contract(flowers):
    check_component(catalogue().get("dataset", "flowers"), folder=flowers)


def names(dataset, split):
    return [record.name for record in dataset.records(split)]


def test_published_layout(flowers):
    dataset = read(flowers)
    assert FlowersFolder.recognises(flowers)
    assert check(dataset) == []
    assert dataset.splits() == ("train", "test")
    assert dataset.fingerprint() is None
    assert names(dataset, "train") == [f"image_0000{number}" for number in (1, 2, 3, 4, 5)]
    assert {record.label for record in dataset.records("train")} == {f"class_0000{n}" for n in (1, 2, 3)}
    (record,) = dataset.records("test")
    assert record.image == flowers / "jpg/image_00006.jpg"
    assert record.captions == ("flower number 6", "it has petals.")
    assert record.label == "class_00004"


def test_lists_and_captions_where_the_publications_have_them(flowers):
    for place, files in (
        ("flowers_icml", flowers.glob("*classes.txt")),
        ("cvpr2016_flowers", [flowers / "text_c10"]),
    ):
        (flowers / place).mkdir()
        for file in list(files):
            file.rename(flowers / place / file.name)
    (flowers / "flowers_icml/trainvalclasses.txt").unlink()
    dataset = read(flowers)
    assert FlowersFolder.recognises(flowers)
    assert dataset.problems() == ()
    assert len(dataset.records("train")) == 5


def test_own_split_of_oxford_goes_last(flowers):
    without_lists(flowers)
    dataset = read(flowers)
    assert dataset.problems() == ()
    assert dataset.splits() == ("train", "validation", "test")
    assert names(dataset, "train") == ["image_00001", "image_00003"]
    assert names(dataset, "validation") == ["image_00005"]
    assert len(names(dataset, "test")) == 3


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        (
            {"trnid": [1], "valid": [2]},
            "cannot be read (no tstid); expected numbers called trnid, valid, tstid",
        ),
        (
            {"trnid": [1, 77], "valid": [2], "tstid": [3, 4, 5, 6]},
            "trnid: there is no image jpg/image_00077.jpg",
        ),
        (
            {"trnid": [1, 2], "valid": [2, 5], "tstid": [3, 4, 6]},
            "valid: image_00002 is in the split 'train' too",
        ),
        ({"trnid": [1], "valid": [2], "tstid": [3, 4]}, "2 images are in no split"),
        ({"trnid": [1, 2, 3, 4, 5, 6], "valid": [], "tstid": []}, "no image is in the split 'test'"),
        ({"trnid": "abc", "valid": "", "tstid": ""}, "cannot be read"),
    ],
)
def test_bugs_of_oxfords_split(flowers, tables, told):
    without_lists(flowers)
    savemat(flowers / "setid.mat", tables)
    assert any(problem.file == "setid.mat" and told in problem.what for problem in read(flowers).problems())


@pytest.mark.parametrize("damage", [lambda b: b[:300], lambda b: b"", lambda b: b"x" * 300])
def test_damaged_split_of_oxford(flowers, write, damage):
    without_lists(flowers)
    write("setid.mat", damage((flowers / "setid.mat").read_bytes()))
    assert "cannot be read" in problems(flowers)["setid.mat"]
    assert read(flowers).splits() == ()


def test_no_split_at_all(flowers):
    without_lists(flowers)
    (flowers / "setid.mat").unlink()
    assert "missing, and so is setid.mat" in problems(flowers)["trainvalclasses.txt"]


def test_class_lists_with_bugs(flowers, write):
    write("testclasses.txt", "class_00003\nclass_00009\n\n")
    write("trainvalclasses.txt", b"class_00001\r\nclass_00003\r\nclass_\xe9\r\n")
    assert list(read(flowers).problems()) == [
        Problem("trainvalclasses.txt", "line 3: not UTF-8; the class is left out"),
        Problem("testclasses.txt", "line 1: class_00003 is in the split 'train' too; it stays there"),
        Problem("testclasses.txt", "line 2: there is no class 'class_00009'"),
        Problem("trainvalclasses.txt and testclasses.txt", "no class and no image is in the split 'test'"),
        Problem(
            "trainvalclasses.txt and testclasses.txt",
            "2 images are in no split and are not used, image_00003 first",
        ),
    ]


def test_only_a_list_of_one_split(flowers):
    (flowers / "testclasses.txt").unlink()
    told = [problem.what for problem in read(flowers).problems()]
    assert any("in the split 'test'" in what for what in told)


def test_image_and_captions_without_each_other(flowers, write):
    (flowers / "jpg/image_00001.jpg").unlink()
    (flowers / captions_of(3, 4)).unlink()
    write(captions_of(2, 3), "")
    write("text_c10/class_00002/image_00005.txt", "again")
    write("text_c10/image_00006.txt", "outside")
    found = problems(flowers)
    assert "jpg/image_00001.jpg is missing" in found[captions_of(1, 1)]
    assert "no image_00004.txt in any class" in found["jpg/image_00004.jpg"]
    assert "holds no caption" in found[captions_of(2, 3)]
    assert "class_00002 has captions of image_00005 too" in found[captions_of(3, 5)]
    assert "is in no class" in found["text_c10/image_00006.txt"]
    assert names(read(flowers), "train") == ["image_00002", "image_00005"]


def test_empty_image_and_caption_that_is_not_utf8(flowers, write):
    write("jpg/image_00001.jpg", b"")
    write(captions_of(1, 2), b"fleur bl\xe9e\nblue\n")
    assert check(read(flowers)) == [
        Problem("jpg/image_00001.jpg", "the file is empty"),
        Problem(captions_of(1, 2), "line 1: not UTF-8; the caption is left out"),
    ]


@pytest.mark.parametrize("folder", ["jpg", "text_c10"])
def test_missing_folder(flowers, folder):
    (flowers / folder).rename(flowers / "elsewhere")
    assert not FlowersFolder.recognises(flowers)
    assert "missing" in problems(flowers)[folder]
    assert read(flowers).splits() == ()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 400), st.binary(min_size=1, max_size=8), st.booleans())
def test_any_damage_becomes_records_or_problems(flowers, write, place, junk, in_mat):
    file = "setid.mat" if in_mat else "testclasses.txt"
    kept = {path: path.read_bytes() for path in (*flowers.glob("*.txt"), *flowers.glob("*.mat"))}
    write(file, kept[flowers / file][:place] + junk + kept[flowers / file][place + len(junk) :])
    if in_mat:
        without_lists(flowers)
    dataset = read(flowers)
    usable = [record for split in dataset.splits() for record in dataset.records(split)]
    assert len(usable) == 6 or dataset.problems()
    for path, content in kept.items():
        path.write_bytes(content)
