import pytest

from zoo.data.check import check
from zoo.data.source import open_dataset
from zoo_plugins.datasets.pictures import PictureFolder
from zoo_registry import catalogue
from zoo_registry.contracts import DataSource, Problem


def read(folder):
    return PictureFolder(DataSource(str(folder)))


def rows(dataset, split="train"):
    return [(record.name, record.captions, record.label) for record in dataset.records(split)]


def test_pictures_of_one_folder_have_no_class(tmp_path, picture):
    picture("b.png")
    picture("a.jpg")
    dataset = read(tmp_path)
    assert PictureFolder.recognises(tmp_path)
    assert check(dataset) == []
    assert dataset.splits() == ("train",)
    assert dataset.fingerprint() is None
    assert rows(dataset) == [("a", (), None), ("b", (), None)]
    assert dataset.records("train")[0].image == tmp_path / "a.jpg"


def test_subfolders_are_classes(tmp_path, picture):
    picture("cat/2/x.jpg")
    picture("dog/x.jpg")
    assert rows(read(tmp_path)) == [("cat/2/x", (), "cat"), ("dog/x", (), "dog")]


def test_splits(tmp_path, picture):
    picture("train/cat/x.jpg")
    picture("validation/x.jpg")
    picture("test/dog/x.jpg")
    dataset = read(tmp_path)
    assert dataset.splits() == ("train", "validation", "test")
    assert rows(dataset) == [("train/cat/x", (), "cat")]
    assert rows(dataset, "validation") == [("validation/x", (), None)]
    assert rows(dataset, "test") == [("test/dog/x", (), "dog")]


def test_faults(tmp_path, write, picture):
    picture("a.jpg")
    picture("a.png")
    write("b.jpg", b"")
    write("c.jpg", b"no picture")
    picture(".hidden.jpg")
    found = check(read(tmp_path))
    assert [problem.file for problem in found] == ["a.png", "b.jpg", "c.jpg"]
    assert found[0] == Problem("a.png", "has the name of a.jpg; only that one is used")
    assert found[1].what == "the file is empty"


def test_folder_without_a_picture(tmp_path, write):
    write("notes.md", "x")
    (problem,) = read(tmp_path).problems()
    assert "there is no picture; files that end in one of .bmp, " in problem.what
    assert not PictureFolder.recognises(tmp_path)


@pytest.mark.parametrize("file", ["metadata.jsonl", "text/a.txt", "annotations/captions.json", "a.tar"])
def test_anything_that_could_hold_captions_is_left_to_other_readers(tmp_path, write, picture, file):
    picture("images/a.jpg")
    assert PictureFolder.recognises(tmp_path)
    write(file, "x")
    assert not PictureFolder.recognises(tmp_path)


def test_recognised_among_all_readers(tmp_path, picture):
    picture("jpg/a.jpg")
    assert isinstance(open_dataset(str(tmp_path), catalogue()), PictureFolder)
