from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo_plugins.datasets.readers.cub import CubFolder
from zoo_registry import catalogue
from zoo_registry.contracts import DataSource, Problem
from zoo_registry.errors import ZooError
from zoo_registry.testing import check_component

FIRST = "001.Black_footed_Albatross/Black_footed_Albatross_0001_1"
LAST = "003.Sooty_Albatross/Sooty_Albatross_0002_2"


def read(folder: Path) -> CubFolder:
    return CubFolder(DataSource(str(folder)))


def problems(folder: Path) -> dict[str, str]:
    return {problem.file: problem.what for problem in read(folder).problems()}


def test_contract(cub):
    check_component(catalogue().get("dataset", "cub"), folder=cub)


def names(dataset: CubFolder, split: str) -> list[str]:
    return [record.name for record in dataset.records(split)]


def test_published_layout(cub):
    dataset = read(cub)
    assert CubFolder.recognises(cub)
    assert dataset.problems() == ()
    assert dataset.splits() == ("train", "test")
    assert dataset.fingerprint() is None
    first = dataset.records("train")[0]
    assert first.name == FIRST
    assert first.image == cub / f"images/{FIRST}.jpg"
    assert first.captions == ("a bird called Black", "it has wings.")
    assert first.label == "001.Black_footed_Albatross"
    assert first.box == (1.0, 2.0, 8.0, 6.0)
    assert dataset.records("test")[-1].name == LAST
    assert {record.label for record in dataset.records("test")} == {"003.Sooty_Albatross"}


def test_captions_folder_of_other_distributions_and_nested_images(cub):
    (cub / "text").rename(cub / "text_c10")
    (cub / "CUB_200_2011").mkdir()
    for name in ("images", "images.txt", "bounding_boxes.txt", "train_test_split.txt", "classes.txt"):
        (cub / name).rename(cub / "CUB_200_2011" / name)
    dataset = read(cub)
    assert CubFolder.recognises(cub)
    assert dataset.problems() == ()
    assert dataset.records("train")[0].box == (1.0, 2.0, 8.0, 6.0)


def test_split_by_file_names_goes_first(cub, write):
    write("train/filenames.txt", f"{LAST}\n")
    write("test/filenames.txt", f"{FIRST}\n\n")
    dataset = read(cub)
    assert names(dataset, "train") == [LAST]
    assert names(dataset, "test") == [FIRST]
    assert "4 images are in no split" in dataset.problems()[0].what


def test_own_split_of_cub_goes_last(cub):
    (cub / "trainvalclasses.txt").unlink()
    (cub / "testclasses.txt").unlink()
    dataset = read(cub)
    assert len(dataset.records("train")) == 3
    assert all(name.endswith("_1") for name in names(dataset, "train"))
    assert all(name.endswith("_2") for name in names(dataset, "test"))


def test_pickled_file_names_are_not_read(cub, write):
    write("train/filenames.pickle", b"cos\nsystem\n(S'false'\ntR.")
    assert "write its names to train/filenames.txt" in problems(cub)["train/filenames.pickle"]


def test_image_and_captions_without_each_other(cub):
    (cub / f"images/{FIRST}.jpg").unlink()
    (cub / f"text/{LAST}.txt").unlink()
    found = problems(cub)
    assert f"images/{FIRST}.jpg is missing" in found[f"text/{FIRST}.txt"]
    assert f"text/{LAST}.txt is missing" in found[f"images/{LAST}.jpg"]
    assert FIRST not in names(read(cub), "train")
    assert LAST not in names(read(cub), "test")


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_file_without_captions(cub, write, content):
    write(f"text/{FIRST}.txt", content)
    assert "holds no caption" in problems(cub)[f"text/{FIRST}.txt"]
    assert FIRST not in names(read(cub), "train")


def test_captions_with_odd_bytes(cub, write):
    write(
        f"text/{FIRST}.txt",
        b"\xef\xbb\xbfa bird\xef\xbf\xbd\xef\xbf\xbdwith wings\r\n\r\nun oiseau bl\xe9\r\n na\xc3\xafve\n",
    )
    dataset = read(cub)
    assert dataset.records("train")[0].captions == ("a bird with wings", "naïve")
    assert dataset.problems() == (Problem(f"text/{FIRST}.txt", "line 3: not UTF-8; the caption is left out"),)


@pytest.mark.parametrize("folder", ["images", "text"])
def test_missing_folder(cub, folder):
    (cub / folder).rename(cub / "elsewhere")
    assert not CubFolder.recognises(cub)
    assert "missing" in problems(cub)[folder]
    assert read(cub).splits() == ()


@pytest.mark.parametrize(
    "file", ["images.txt", "bounding_boxes.txt", "testclasses.txt", "trainvalclasses.txt"]
)
def test_missing_table(cub, file):
    (cub / file).unlink()
    assert "missing" in problems(cub)[file]


def test_no_test_class(cub, write):
    write("testclasses.txt", "")
    write("trainvalclasses.txt", "001.Black_footed_Albatross\n002.Laysan_Albatross\n003.Sooty_Albatross\n")
    dataset = read(cub)
    assert dataset.splits() == ("train",)
    assert "split 'test'" in dataset.problems()[0].what
    with pytest.raises(ZooError, match="no split 'test'; there are: train"):
        dataset.records("test")


def test_class_in_both_splits_or_in_no_folder(cub, write):
    write("testclasses.txt", "003.Sooty_Albatross\n002.Laysan_Albatross\n004.Auk\n")
    found = [problem.what for problem in read(cub).problems()]
    assert found == [
        "line 2: 002.Laysan_Albatross is in the train split too; it stays there",
        "line 3: there is no class '004.Auk' in images",
    ]


def test_boxes_with_bugs(cub, write):
    write("bounding_boxes.txt", "1 1 2 8\n2 1 2 0 6\n3 x 2 8 6\n4 nan 2 8 6\n5\n6 1 2 8 6\n99 1 2 8 6\n")
    dataset = read(cub)
    boxes = [record.box for split in dataset.splits() for record in dataset.records(split)]
    assert boxes == [None] * 5 + [(1.0, 2.0, 8.0, 6.0)]
    told = " ".join(problem.what for problem in dataset.problems())
    assert all(f"image {number}:" in told for number in (1, 2, 3, 4, 99))
    assert "line 5: '5' is not a number and its value" in told


def test_image_that_images_txt_lists_is_missing(cub, write):
    write("images.txt", (cub / "images.txt").read_text() + "7 003.Sooty_Albatross/gone.jpg\n")
    assert "lists 003.Sooty_Albatross/gone" in problems(cub)["images.txt"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([f"text/{FIRST}.txt", "bounding_boxes.txt", "images.txt", "testclasses.txt"]),
    st.binary(max_size=60) | st.text("0123456789. -\n", max_size=40).map(str.encode),
)
def test_any_bytes_become_records_or_problems(cub, write, file, content):
    kept = (cub / file).read_bytes()
    write(file, content)
    dataset = read(cub)
    usable = {record.name for split in dataset.splits() for record in dataset.records(split)}
    assert len(usable) == 6 or dataset.problems()
    assert all(record.captions for split in dataset.splits() for record in dataset.records(split))
    write(file, kept)
