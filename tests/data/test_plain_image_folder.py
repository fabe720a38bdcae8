import pytest

from zoo.data.check import check
from zoo.data.source import open_dataset
from zoo_plugins.datasets.readers.images import PlainImageFolder
from zoo_registry import catalogue
from zoo_registry.contracts import DataSource, Problem
from zoo_registry.testing import check_component


def read(folder):
    return PlainImageFolder(DataSource(str(folder)))


def rows(dataset, split="train"):
    return [(record.name, record.captions, record.label) for record in dataset.records(split)]


def test_contract(tmp_path, image):
    image("a.jpg")
    check_component(catalogue().get("dataset", "images"), folder=tmp_path)


def test_images_of_one_folder_have_no_class(tmp_path, image):
    image("b.png")
    image("a.jpg")
    dataset = read(tmp_path)
    assert PlainImageFolder.recognises(tmp_path)
    assert check(dataset) == []
    assert dataset.splits() == ("train",)
    assert dataset.fingerprint() is None
    assert rows(dataset) == [("a", (), None), ("b", (), None)]
    assert dataset.records("train")[0].image == tmp_path / "a.jpg"


def test_subfolders_are_classes(tmp_path, image):
    image("cat/2/x.jpg")
    image("dog/x.jpg")
    assert rows(read(tmp_path)) == [("cat/2/x", (), "cat"), ("dog/x", (), "dog")]


def test_splits(tmp_path, image):
    image("train/cat/x.jpg")
    image("validation/x.jpg")
    image("test/dog/x.jpg")
    dataset = read(tmp_path)
    assert dataset.splits() == ("train", "validation", "test")
    assert rows(dataset) == [("train/cat/x", (), "cat")]
    assert rows(dataset, "validation") == [("validation/x", (), None)]
    assert rows(dataset, "test") == [("test/dog/x", (), "dog")]


def test_bugs(tmp_path, write, image):
    image("a.jpg")
    image("a.png")
    write("b.jpg", b"")
    write("c.jpg", b"no image")
    image(".hidden.jpg")
    found = check(read(tmp_path))
    assert [problem.file for problem in found] == ["a.png", "b.jpg", "c.jpg"]
    assert found[0] == Problem("a.png", "has the name of a.jpg; only that one is used")
    assert found[1].what == "the file is empty"


def test_folder_without_an_image(tmp_path, write):
    write("notes.md", "x")
    (problem,) = read(tmp_path).problems()
    assert "there is no image; expected files that end in one of .bmp, " in problem.what
    assert not PlainImageFolder.recognises(tmp_path)


@pytest.mark.parametrize("file", ["metadata.jsonl", "text/a.txt", "annotations/captions.json", "a.tar"])
def test_anything_that_could_hold_captions_is_left_to_other_readers(tmp_path, write, image, file):
    image("images/a.jpg")
    assert PlainImageFolder.recognises(tmp_path)
    write(file, "x")
    assert not PlainImageFolder.recognises(tmp_path)


def test_recognised_among_all_readers(tmp_path, image):
    image("jpg/a.jpg")
    assert isinstance(open_dataset(str(tmp_path), catalogue()), PlainImageFolder)
